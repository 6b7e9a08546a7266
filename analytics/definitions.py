"""How a definition's nodes are doing: reckoned from the logs and the ledger of its last runs."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any
from uuid import UUID

from llms.models import ModelCall
from workflows.definition.nesting import is_inner, outermost
from workflows.models import ExecutionEvent, ExecutionStatus, WorkflowDefinition, WorkflowExecution
from workflows.tracking.frames import frame_from


@dataclass(slots=True)
class NodeNumbers:
    """What one node did. Durations are of visits that finished; `cost` is what is known of it.

    A node that runs another workflow has the calls of that one, whose nodes are not told apart.
    """

    node: str
    visits: int = 0
    failures: int = 0
    durations_ms: list[float] = field(default_factory=list)
    calls: int = 0
    unpriced_calls: int = 0
    cost_nano_usd: int = 0


@dataclass(frozen=True, slots=True)
class RunNumbers:
    """The last finished runs of a definition, and its nodes by id."""

    runs: int
    completed: int
    failed: int
    cancelled: int
    durations_ms: Sequence[int]
    nodes: Mapping[str, NodeNumbers]

    @property
    def cost_nano_usd(self) -> int:
        return sum(node.cost_nano_usd for node in self.nodes.values())


def numbers_of(definition: WorkflowDefinition, last: int) -> RunNumbers:
    """Reckon the `last` finished runs: two reads, of their logs and of their calls."""
    runs = list(
        definition.executions.filter(finished_at__isnull=False)
        .order_by("-id")
        .values_list("id", "status", "duration_ms")[:last]
    )
    nodes: dict[str, NodeNumbers] = {}
    ids = [key for key, *_ in runs]
    _count_events(ids, nodes)
    _count_calls(ids, nodes)
    by_status: dict[str, int] = defaultdict(int)
    for _, status, _ in runs:
        by_status[status] += 1
    return RunNumbers(
        runs=len(runs),
        completed=by_status[ExecutionStatus.COMPLETED],
        failed=by_status[ExecutionStatus.FAILED],
        cancelled=by_status[ExecutionStatus.CANCELLED],
        durations_ms=[took for *_, took in runs if took is not None],
        nodes=nodes,
    )


def _count_events(executions: list[UUID], nodes: dict[str, NodeNumbers]) -> None:
    rows = ExecutionEvent.objects.filter(execution__in=executions)
    for frames in rows.values_list("frames", flat=True).iterator():
        for line in frames.split("\n"):
            frame = frame_from(line)
            if frame.type in _COUNTED:
                data = frame.event()["data"]
                if not is_inner(data["node"]):
                    _COUNTED[frame.type](_of(nodes, data["node"]), data)


def _finished(node: NodeNumbers, data: Mapping[str, Any]) -> None:
    node.visits += 1
    node.durations_ms.append(data["duration_ms"])


def _failed(node: NodeNumbers, data: Mapping[str, Any]) -> None:
    node.visits += 1
    node.failures += 1


_COUNTED = {"node.finished": _finished, "node.failed": _failed}


def _count_calls(executions: list[UUID], nodes: dict[str, NodeNumbers]) -> None:
    origins = [WorkflowExecution(id=key).origin for key in executions]
    calls = ModelCall.objects.filter(origin__in=origins)
    for name, cost in calls.values_list("node", "cost_nano_usd").iterator():
        node = _of(nodes, outermost(name))
        node.calls += 1
        node.unpriced_calls += cost is None
        node.cost_nano_usd += cost or 0


def _of(nodes: dict[str, NodeNumbers], key: str) -> NodeNumbers:
    return nodes.setdefault(key, NodeNumbers(key))


def percentile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that at least this share of them does not exceed (nearest rank)."""
    if not values:
        return None
    return sorted(values)[max(ceil(share * len(values)) - 1, 0)]
