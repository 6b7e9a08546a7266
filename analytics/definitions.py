"""How a definition's nodes are doing, from the logs and the ledger of runs that ended in a time."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from typing import Any
from uuid import UUID

from analytics.reports.span import Span
from core.origins import of_execution
from llms.models import Exactness, ModelCall
from llms.querysets import CallQuerySet
from workflows.definition.nesting import is_inner, outermost, without_items
from workflows.engine.events import (
    ExecutionResumed,
    ModelFinished,
    NodeFailed,
    NodeFinished,
    NodeStarted,
    ToolFinished,
)
from workflows.engine.paths import Place, around
from workflows.models import (
    ExecutionEvent,
    ExecutionStatus,
    Rerun,
    WorkflowDefinition,
)
from workflows.querysets import ExecutionQuerySet
from workflows.totals import COUNTED
from workflows.tracking.frames import frame_from


@dataclass(slots=True)
class NodeNumbers:
    """What one node did. Durations are of visits that finished; `cost` is what is known of it.

    `first_tokens_ms` are of the calls that a provider answered with any.
    `unasked_calls` are those of its `calls` that a cache or a recording answered. A node that runs
    another workflow has the calls of that one, whose nodes are not told apart; those that a map
    repeats are visited once for each item.
    """

    node: str
    visits: int = 0
    failures: int = 0
    durations_ms: list[float] = field(default_factory=list)
    first_tokens_ms: list[int] = field(default_factory=list)
    calls: int = 0
    unasked_calls: int = 0
    unpriced_calls: int = 0
    estimated_calls: int = 0
    open_calls: int = 0
    cost_nano_usd: int = 0


@dataclass(frozen=True, slots=True)
class RunNumbers:
    """The newest runs of a definition that ended in a time, and its nodes by id.

    They are all that ended from `since` to before the end of the time.
    """

    runs: int
    since: datetime
    completed: int
    failed: int
    cancelled: int
    durations_ms: Sequence[int]
    totals: Mapping[str, int]
    nodes: Mapping[str, NodeNumbers]

    @property
    def cost_nano_usd(self) -> int:
        return sum(node.cost_nano_usd for node in self.nodes.values())


def numbers_of(definition: WorkflowDefinition, span: Span, last: int) -> RunNumbers:
    """Reckon the `last` runs that ended in the span, from their logs and their calls.

    Replays are no runs: they did nothing. A retry or a fork is one, but how long it took is not
    how long a run takes, and what it repeats of its source without doing anything is no visit.
    """
    ended = definition.executions.filter(
        finished_at__gte=span.starts_at, finished_at__lt=span.until
    )
    runs = list(newest(ended, last).values("id", "finished_at", *_SAID_OF_RUNS, *COUNTED))
    nodes: dict[str, NodeNumbers] = {}
    _count_events({run["id"]: bool(run["rerun"]) for run in runs}, nodes)
    _count_calls(_calls([run["id"] for run in runs]), nodes)
    by_status = Counter(run["status"] for run in runs)
    took = [run["duration_ms"] for run in runs if not run["rerun"]]
    return RunNumbers(
        runs=len(runs),
        since=min(run["finished_at"] for run in runs) if len(runs) >= last else span.starts_at,
        completed=by_status[ExecutionStatus.COMPLETED],
        failed=by_status[ExecutionStatus.FAILED],
        cancelled=by_status[ExecutionStatus.CANCELLED],
        durations_ms=[one for one in took if one is not None],
        totals={name: sum(run[name] for run in runs) for name in COUNTED},
        nodes=nodes,
    )


def calls_of(runs: ExecutionQuerySet, within: str = "") -> CallQuerySet:
    """The calls of these; of one node alone, with all that it runs."""
    calls = _calls(list(runs.values_list("id", flat=True)))
    if not within:
        return calls
    names = calls.order_by().values_list("node", flat=True).distinct()
    return calls.filter(node__in=[name for name in names if _node_of(name) == within])


def newest(executions: ExecutionQuerySet, last: int) -> ExecutionQuerySet:
    """The `last` of these runs that ended, and any that ended in the same instant as the first of
    them: so an instant tells them from the others.
    """
    ended = executions.filter(finished_at__isnull=False).exclude(rerun=Rerun.REPLAY).order_by()
    ends = ended.order_by("-finished_at").values_list("finished_at", flat=True)
    since = ends[last - 1 : last].first()
    return ended.filter(finished_at__gte=since) if since else ended


def _calls(executions: Collection[UUID]) -> CallQuerySet:
    return ModelCall.objects.filter(origin__in=list(map(of_execution, executions)))


def _count_events(reruns: Mapping[UUID, bool], nodes: dict[str, NodeNumbers]) -> None:
    """`reruns` tells of each execution whether it is one."""
    rows = ExecutionEvent.objects.filter(execution__in=list(reruns)).order_by("execution", "seq")
    visits = _Visits(reruns, nodes)
    for execution, frames in rows.values_list("execution_id", "frames").iterator():
        for line in frames.split("\n"):
            frame = frame_from(line)
            if frame.type in _SEEN:
                visits.see(execution, frame.type, frame.event()["data"])


@dataclass(slots=True)
class _Visits:
    """Counts visits as their ends are seen. `partly` are visits that did only a part of their work.

    The rest was answered by a cache or a recording, or was done before the run was taken up again.
    Such a visit is shorter than usual, so how long it took does not count. Logs of reruns that do
    not say which ends they `repeated` do not count at all.
    """

    reruns: Mapping[UUID, bool]
    nodes: dict[str, NodeNumbers]
    begun: dict[UUID, set[Place]] = field(default_factory=lambda: defaultdict(set))
    partly: dict[UUID, set[Place]] = field(default_factory=lambda: defaultdict(set))

    def see(self, execution: UUID, kind: str, data: Mapping[str, Any]) -> None:
        if kind == ExecutionResumed.type:
            self.partly[execution] |= self.begun[execution]
            return
        place = (data["node"], data["visit"])
        if kind == NodeStarted.type:
            self.begun[execution].add(place)
        elif kind in _ENDS:
            if not data.get("repeated", self.reruns[execution]):
                self._count(data, whole=place not in self.partly[execution])
        elif data.get("answered_by") in _NOBODY:
            self.partly[execution].update((place, *around(data["node"])))

    def _count(self, data: Mapping[str, Any], *, whole: bool) -> None:
        name = without_items(data["node"])
        if is_inner(name):
            return
        node = _of(self.nodes, name)
        node.visits += 1
        if "duration_ms" not in data:
            node.failures += 1
        elif whole:
            node.durations_ms.append(data["duration_ms"])


_SAID_OF_RUNS = ("status", "duration_ms", "rerun")
_ENDS = frozenset({NodeFinished.type, NodeFailed.type})
_ASKED = frozenset({ModelFinished.type, ToolFinished.type})
_SEEN = _ENDS | _ASKED | {NodeStarted.type, ExecutionResumed.type}
_NOBODY = frozenset({"cache", "recording"})


def _count_calls(calls: CallQuerySet, nodes: dict[str, NodeNumbers]) -> None:
    rows = calls.values_list("node", "cost_nano_usd", "answered_by", "exactness", "first_token_ms")
    for name, cost, answered_by, exactness, first_token_ms in rows.iterator():
        node = _of(nodes, _node_of(name))
        if first_token_ms is not None:
            node.first_tokens_ms.append(first_token_ms)
        node.calls += 1
        node.unasked_calls += answered_by in _NOBODY
        node.unpriced_calls += cost is None
        node.estimated_calls += exactness == Exactness.ESTIMATED
        node.open_calls += exactness == Exactness.OPEN
        node.cost_nano_usd += cost or 0


def _node_of(name: str) -> str:
    """Of the definition's own graph."""
    return outermost(without_items(name))


def _of(nodes: dict[str, NodeNumbers], key: str) -> NodeNumbers:
    return nodes.setdefault(key, NodeNumbers(key))


def percentile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that at least this share of them does not exceed (nearest rank)."""
    if not values:
        return None
    return sorted(values)[max(ceil(share * len(values)) - 1, 0)]
