"""Which recordings of its source a rerun is answered from.

- A *replay* is answered from all of them, and from nothing else.
- A *retry* repeats what happened until the node that failed the run failed; what failed there is
  made anew, and so is what was never finished, and what a handler of the graph did about it.
- A *fork* is answered from the calls that began before the visit it changes began; calls that began
  later are made anew, those of parallel branches too, for the log has one order.
"""

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from llms.ledger import CallRecord
from llms.models import CallStatus
from tools.ledger import ToolCallRecord
from tools.models import ANSWERED, ToolCallStatus
from workflows.engine.errors import LIMIT, STEP_TIME
from workflows.engine.events import identity_of
from workflows.engine.paths import Place, around, path_to
from workflows.models import Rerun, WorkflowExecution
from workflows.tracking.past import Past, past_of
from workflows.tracking.recordings import NOT_RECORDED, NOTHING, Failure, Key, Recordings

_NEVER = -1
_OF_PLACES = ("node.failed", "delay.started", "approval.decided")
T = TypeVar("T")


def recordings_of(execution: WorkflowExecution) -> Recordings:
    """What this execution may be answered from; four queries for a rerun, none for others."""
    if not execution.rerun:
        return NOTHING
    rows = WorkflowExecution.objects.filter(reruns=execution.pk)
    source = rows.values("id", "error").first()
    if source is None:
        return Recordings(strict=execution.rerun == Rerun.REPLAY)
    past = past_of(source["id"])
    if execution.rerun == Rerun.REPLAY:
        everything = _taken(past, lambda key: True, lambda place: True, strict=True)
        error = source["error"] or {}
        later = frozenset(_failed_with(past, (error.get("node") or "",), error))
        everything = _with_ends(everything, past, lambda place: place not in later)
        return replace(everything, over=past.witness.over)
    if execution.rerun == Rerun.FORK:
        return _of_a_fork(
            past, began(past, execution.edits[-1]["node"], execution.edits[-1]["visit"])
        )
    return _of_a_retry(past, source["error"] or {})


def began(past: Past, node: str, visit: int) -> int:
    """The number of the event that begins this visit; negative when there was no such visit."""
    return _began(past, "node.started", node, visit)


def _of_a_fork(past: Past, end: int) -> Recordings:
    def call_is_before(key: Key) -> bool:
        attempts = [call.attempt for call in past.calls.get(key, past.tool_calls.get(key, ()))]
        kinds = ("model.started", "tool.started")
        told = [_began(past, kind, *key, attempt) for attempt in attempts for kind in kinds]
        return any(_NEVER < seq < end for seq in told)

    def place_is_before(place: Place) -> bool:
        told = [_began(past, kind, *place) for kind in _OF_PLACES]
        return any(_NEVER < seq < end for seq in told)

    kept = _taken(past, call_is_before, place_is_before)
    return _with_ends(kept, past, lambda place: past.ended[place] < end)


class _Retry:
    """What of a failed run is kept. `nodes` failed it, by the visits `anew`, which are not."""

    def __init__(self, past: Past, error: Mapping[str, Any]) -> None:
        failed = error.get("node") or ""
        nodes = (failed, *_failed_beside(past, failed))
        self._past = past
        self.nodes = (*nodes, *(node for node, _ in _failed_with(past, nodes, error)))
        self.anew = frozenset(at for node in self.nodes for at in _failing_visits(past, node))
        # Where its own error failed it, and not that time or another limit was over, what was
        # answered within it is what was wrong.
        by_limit = str(error.get("code")).startswith(LIMIT)
        self._wholly = frozenset(at for at in self.anew if at[0] in self.nodes and not by_limit)
        self._over = _ends_of_graphs(past, self.anew, error)
        self._first_failed: dict[Place, int] = {}  # the number of a visit's first failed call
        for node, visit, call in sorted(_failed_calls(past)):
            self._first_failed.setdefault((node, visit), call)

    def keeps(self, place: Place) -> bool:
        outer = tuple(around(place[0]))
        if place in self.anew or not self._wholly.isdisjoint(outer):
            return False
        return not any(map(self._is_behind_the_error, (place, *outer)))

    def keeps_call(self, key: Key) -> bool:
        """In a visit that failed: what it had asked before a call of it failed.

        Where none did, what was answered is what was wrong, unless a limit left no room for more.
        """
        node, visit, call = key
        if (place := (node, visit)) not in self.anew:
            return self.keeps(place)
        none = math.inf if _was_stopped(self._past, place) else 0
        return call < self._first_failed.get(place, none)

    def keeps_end(self, place: Place) -> bool:
        return self.keeps(place) and not _was_stopped(self._past, place)

    def _is_behind_the_error(self, place: Place) -> bool:
        """Whether it began only when the error had ended its graph, as a handler does."""
        return began(self._past, *place) > self._over.get(path_to(place[0]), math.inf)


def _of_a_retry(past: Past, error: Mapping[str, Any]) -> Recordings:
    retry = _Retry(past, error)
    kept = _with_ends(_taken(past, retry.keeps_call, retry.keeps), past, retry.keeps_end)
    outer = {at for node in retry.nodes for at in around(node)}
    return replace(kept, anew=retry.anew - outer)


def _with_ends(recordings: Recordings, past: Past, is_kept: Callable[[Place], bool]) -> Recordings:
    """With the ends of visits that are kept."""
    ended = _chosen(past.ended, is_kept)
    return replace(recordings, ended=ended, items=past.items(ended, recordings.failed))


def _failed_beside(past: Past, failed: str) -> Iterator[str]:
    """The nodes that failed other items of the maps that this one failed.

    A map ends with the error of one item, and in a retry the next would fail it. An error after
    which something began in its item was taken up there.
    """
    last: dict[str, tuple[int, str, str]] = {}  # in each graph: its number, kind and node
    for (kind, node, *_), seq in past.identities.items():
        if kind in ("node.started", "node.failed"):
            last[path_to(node)] = max(last.get(path_to(node), (_NEVER, "", "")), (seq, kind, node))
    fatal = {
        node
        for _, kind, node in last.values()
        if kind == "node.failed"
        and _is_of_another_item(node, failed)
        and all(at in past.failed for at in around(node))
    }
    yield from sorted(fatal - {outer for node in fatal for outer, _ in around(node)})


def _failed_with(past: Past, nodes: Collection[str], error: Mapping[str, Any]) -> Iterator[Place]:
    """The visits in other branches that failed when the error of these had ended their graph.

    It was the same moment: in a rerun each could fail it, and before the one that did.
    """
    anew = frozenset(at for node in nodes for at in _failing_visits(past, node))
    over = _ends_of_graphs(past, anew, error)
    for at, ended in past.ended.items():
        if (
            at in past.failed
            and at not in anew
            and ended > over.get(path_to(at[0]), math.inf) > began(past, *at)
        ):
            yield at


def _is_of_another_item(node: str, failed: str) -> bool:
    """Whether they part in two items of one visit of a map: `each[0]/…` and `each[3]/…`."""
    steps = zip(path_to(node).split("/"), path_to(failed).split("/"), strict=False)
    ours, theirs = next((pair for pair in steps if pair[0] != pair[1]), ("", ""))
    return bool(ours) and ours.rpartition("[")[0] == theirs.rpartition("[")[0] != ""


def _failing_visits(past: Past, failed: str) -> Iterator[Place]:
    """The visits by which this node failed its run: the last, and those it was a new try of.

    Nodes within it failed the run with it, and so did those that it is within.
    """
    for node in {one for one, _ in past.failed if _is_within(one, failed)}:
        visit = max(number for one, number in past.failed if one == node)
        if began(past, node, visit + 1) != _NEVER:
            continue  # it was gone round again, and that went well
        yield node, visit
        while (node, visit - 1) in past.failed and (node, visit - 1) in past.delays:
            visit -= 1
            yield node, visit


def _ends_of_graphs(
    past: Past, anew: Collection[Place], error: Mapping[str, Any]
) -> Mapping[str, int]:
    """When this error ended the graph of the run, and those within it that it came from.

    The numbers of events by the paths to the graphs. What began later there is behind the handler
    of the graph. A node had failed with the error, or a handler that it led to.
    """
    failed = error.get("node") or ""
    nodes = {failed, *(node for node, _ in around(failed))}
    paths, over = {path_to(node) for node in nodes}, dict[str, int]()
    for at, (code, _) in past.failed.items():
        ends = (at in anew and at[0] in nodes) or at[0] in past.handlers
        if ends and code == error.get("code") and (path := path_to(at[0])) in paths:
            over[path] = max(over.get(path, _NEVER), past.ended[at])
    return over


def _is_within(node: str, failed: str) -> bool:
    if not failed:
        return False
    outer = {one for one, _ in around(node)}
    return node == failed or failed in outer or node in {one for one, _ in around(failed)}


def _failed_calls(past: Past) -> Iterator[Key]:
    yield from (key for key in past.calls if past.answer(key) is None)
    for key, calls in past.tool_calls.items():
        if all(call.status != ToolCallStatus.SUCCEEDED for call in calls):
            yield key


def _taken(
    past: Past,
    call: Callable[[Key], bool],
    place: Callable[[Place], bool],
    *,
    strict: bool = False,
) -> Recordings:
    """What of the past these choose."""
    calls = {key: end for key in past.calls if call(key) and (end := _end(past, key))}
    tool_calls = {
        key: tool_end for key in past.tool_calls if call(key) and (tool_end := _tool_end(past, key))
    }
    return Recordings(
        calls=calls,
        tool_calls=tool_calls,
        delays=_chosen(past.delays, place),
        approvals=_chosen(past.decided, place),
        deciders=_chosen(past.deciders, place),
        failed=_chosen(past.failed, lambda at: place(at) and not _was_stopped(past, at)),
        stopped=_chosen(past.failed, lambda at: strict and _was_stopped(past, at)),
        too_long=_chosen(past.witness.too_long, place),
        made=frozenset(past.calls),
        strict=strict,
    )


def _is_a_stop(failure: Failure) -> bool:
    """Whether the whole run ended by it, whatever edges there were to take up errors."""
    code, _ = failure
    return code == NOT_RECORDED or (code.startswith(LIMIT) and code != STEP_TIME)


def _was_stopped(past: Past, place: Place) -> bool:
    return place in past.failed and _is_a_stop(past.failed[place])


def _chosen(all_of_them: Mapping[Place, T], place: Callable[[Place], bool]) -> dict[Place, T]:
    return {key: value for key, value in all_of_them.items() if place(key)}


def _end(past: Past, key: Key) -> CallRecord | None:
    """The answer to a call, or how it failed for good."""
    if (answered := past.answer(key)) is not None:
        return answered
    failed = [one for one in past.calls[key] if one.status == CallStatus.FAILED]
    return failed[-1] if failed and _was_for_good(past, key, failed[-1]) else None


def _was_for_good(past: Past, key: Key, failed: CallRecord) -> bool:
    """Whether no other attempt followed, though one may have been announced.

    None is made once the model is withdrawn: its visit then failed as the last attempt had, or
    asked something else.
    """
    node, visit, index = key
    code, _ = past.failed.get((node, visit), ("", ""))
    later = (one for one in past.calls if one[:2] == (node, visit) and one[2] > index)
    return key in past.failures or code == failed.error_code or any(later)


def _tool_end(past: Past, key: Key) -> ToolCallRecord | None:
    ended = [one for one in past.tool_calls[key] if one.status in ANSWERED]
    return ended[-1] if ended else None


def _began(past: Past, kind: str, node: str, visit: int, *call: int) -> int:
    """The number of an event that says so; _NEVER when there is none."""
    data = {"node": node, "visit": visit, **dict(zip(("call", "attempt"), call, strict=False))}
    return past.identities.get(identity_of(kind, data), _NEVER)
