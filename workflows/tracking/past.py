"""What earlier attempts of an execution left for the replay: its events and its calls."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from core.origins import of_execution
from llms.ledger import CallRecord, lost_row
from llms.models import CallStatus, ModelCall
from tools.ledger import ToolCallRecord
from tools.ledger import lost_row as lost_tool_row
from tools.models import ANSWERED, ToolCall, ToolCallStatus
from workflows.engine.events import Event, ExecutionHandedBack, identity_of
from workflows.engine.paths import items_around
from workflows.models import ExecutionEvent
from workflows.nodes.error_handler import ErrorHandlerNode
from workflows.tracking.ending import Answerer
from workflows.tracking.limits import Witness
from workflows.tracking.recordings import NOTHING, Key, Recordings

_HANDLERS = (ErrorHandlerNode.key, *ErrorHandlerNode.aliases)


@dataclass(frozen=True, slots=True)
class Past:
    """`seq` is the last event's number; a run's first attempt has an event or two and no calls.

    `failures` are the calls that had failed for good, `failed` the visits: code and message;
    `handlers` the error handlers that were visited; `approvals` the ids of those that were asked
    for, `decided` of those that were decided, whichever run had asked; `deciders` the names that
    those who decided had then; `ended` the numbers of the events by which visits ended. `witness`
    saw what limits ask for. `recordings` are those of another execution, that this one is a rerun
    of. `handed_back` says how many attempts were.
    """

    seq: int = 0
    identities: Mapping[tuple[Any, ...], int] = field(default_factory=dict)  # to its number
    text_lengths: Mapping[tuple[Any, ...], int] = field(default_factory=dict)
    delays: Mapping[tuple[str, int], str] = field(default_factory=dict)
    approvals: Mapping[tuple[str, int], str] = field(default_factory=dict)
    decided: Mapping[tuple[str, int], str] = field(default_factory=dict)
    deciders: Mapping[tuple[str, int], str] = field(default_factory=dict)
    texts: Mapping[Key, str] = field(default_factory=dict)
    failures: Mapping[Key, tuple[str, str]] = field(default_factory=dict)
    answerer: Answerer = Answerer()
    failed: Mapping[tuple[str, int], tuple[str, str]] = field(default_factory=dict)
    handlers: Set[str] = frozenset()
    ended: Mapping[tuple[str, int], int] = field(default_factory=dict)
    recordings: Recordings = NOTHING
    calls: Mapping[Key, Sequence[CallRecord]] = field(default_factory=dict)
    tool_calls: Mapping[Key, Sequence[ToolCallRecord]] = field(default_factory=dict)
    witness: Witness = field(default_factory=Witness)
    handed_back: int = 0

    @property
    def partial_text(self) -> str:
        """What the run had answered, whether or not it came to an end."""
        return "\n\n".join(filter(None, self.texts.values()))

    @property
    def items(self) -> Mapping[tuple[str, int], int]:
        """How many items had begun of each visit of a map that came to its end."""
        begun: dict[tuple[str, int], int] = {}
        for kind, *data in self.identities:
            if kind == "node.started":
                for visit, item in items_around(data[0]):
                    begun[visit] = max(begun.get(visit, 0), item + 1)
        return {visit: count for visit, count in begun.items() if visit in self.ended}

    def has(self, event: Event) -> bool:
        return bool(self.identities) and event.identity() in self.identities

    def answer(self, key: Key) -> CallRecord | None:
        """The call that was answered already, if one was."""
        answered = [call for call in self.calls.get(key, ()) if call.status == "succeeded"]
        return answered[-1] if answered else None

    def attempts(self, key: Key) -> int:
        return max((call.attempt for call in self.calls.get(key, ())), default=0)

    def open_calls(self) -> Iterable[CallRecord]:
        """Calls whose process died before it could say how they ended, settled as lost."""
        for calls in self.calls.values():
            for call in calls:
                if call.status == "open":
                    yield CallRecord(**{**call.row(), **lost_row(call.row())})

    def tool_answer(self, key: Key) -> ToolCallRecord | None:
        """The tool call that was answered already, with a result or an error."""
        answered = [call for call in self.tool_calls.get(key, ()) if call.status in ANSWERED]
        return answered[-1] if answered else None

    def tool_attempts(self, key: Key) -> int:
        return max((call.attempt for call in self.tool_calls.get(key, ())), default=0)

    def open_tool_calls(self) -> Iterable[ToolCallRecord]:
        """As `open_calls`: nobody knows whether the tool had done its work."""
        for calls in self.tool_calls.values():
            for call in calls:
                if call.status == ToolCallStatus.OPEN:
                    yield ToolCallRecord(**{**call.row(), **lost_tool_row(call.row())})

    def logged(self, kind: str, call: CallRecord) -> int:
        """How many characters of this call's text stand in the log."""
        return self.text_lengths.get(
            (kind, call.node, call.visit, call.call_index, call.attempt), 0
        )


def past_of(execution_id: UUID) -> Past:
    """Read what happened so far: three queries."""
    identities: dict[tuple[Any, ...], int] = {}
    lengths: dict[tuple[Any, ...], int] = {}
    delays: dict[tuple[str, int], str] = {}
    approvals: dict[tuple[str, int], str] = {}
    decided: dict[tuple[str, int], str] = {}
    deciders: dict[tuple[str, int], str] = {}
    once = {
        "delay.started": [(delays, "until")],
        "approval.requested": [(approvals, "approval")],
        "approval.decided": [(decided, "approval"), (deciders, "by")],
    }
    texts: dict[Key, str] = {}
    failures: dict[Key, tuple[str, str]] = {}
    failed: dict[tuple[str, int], tuple[str, str]] = {}
    handlers: set[str] = set()
    ended: dict[tuple[str, int], int] = {}
    answerer, seq, handed_back, witness = Answerer(), 0, 0, Witness()
    for event in _events(execution_id):
        seq, kind, data = event["seq"], event["type"], event["data"]
        witness.see(event)
        identities[identity_of(kind, data)] = seq
        failed |= _failed_visit(kind, data)
        handlers |= _visited_handler(kind, data)
        ended |= _ended_visit(kind, data, seq)
        handed_back += kind == ExecutionHandedBack.type
        if kind in once:
            _keep(once[kind], data)
        elif kind == "model.started" and data["purpose"] == "answer":
            texts[_key(data)] = ""
            answerer = Answerer(data["provider"], data["model"], data["demo"])
        elif kind == "model.finished" and data["error"] and data["retry_in_s"] is None:
            if data["status"] == CallStatus.FAILED:
                failures[_key(data)] = (data["error"]["code"], data["error"]["message"])
        elif kind in ("text.delta", "reasoning.delta"):
            lengths[kind, *_key(data), data["attempt"]] = data["offset"] + len(data["text"])
            if kind == "text.delta":
                texts[_key(data)] += data["text"]
    return Past(
        seq,
        identities,
        lengths,
        delays,
        approvals,
        decided,
        deciders,
        texts,
        failures,
        answerer,
        failed,
        handlers,
        ended,
        calls=_calls(execution_id),
        tool_calls=_tool_calls(execution_id),
        witness=witness,
        handed_back=handed_back,
    )


def _keep(once: Iterable[tuple[dict[tuple[str, int], str], str]], data: Mapping[str, Any]) -> None:
    for of_visits, name in once:
        of_visits[data["node"], data["visit"]] = data[name]


def _failed_visit(kind: str, data: Mapping[str, Any]) -> dict[tuple[str, int], tuple[str, str]]:
    if kind != "node.failed":
        return {}
    return {(data["node"], data["visit"]): (data["code"], data["message"])}


def _visited_handler(kind: str, data: Mapping[str, Any]) -> set[str]:
    is_one = kind == "node.started" and data["kind"] in _HANDLERS
    return {data["node"]} if is_one else set()


def _ended_visit(kind: str, data: Mapping[str, Any], seq: int) -> dict[tuple[str, int], int]:
    if kind not in ("node.finished", "node.failed"):
        return {}
    return {(data["node"], data["visit"]): seq}


def _key(data: Mapping[str, Any]) -> Key:
    return data["node"], data["visit"], data["call"]


def _events(execution_id: UUID) -> Iterator[dict[str, Any]]:
    for row in ExecutionEvent.objects.after(execution_id, 0).iterator():
        yield from map(orjson.loads, row.frames.split("\n"))


def _calls(execution_id: UUID) -> dict[Key, list[CallRecord]]:
    calls: dict[Key, list[CallRecord]] = {}
    rows = ModelCall.objects.filter(origin=of_execution(execution_id)).order_by("attempt")
    for row in rows.values():
        call = CallRecord(**row)
        calls.setdefault((call.node, call.visit, call.call_index), []).append(call)
    return calls


def _tool_calls(execution_id: UUID) -> dict[Key, list[ToolCallRecord]]:
    calls: dict[Key, list[ToolCallRecord]] = {}
    rows = ToolCall.objects.filter(origin=of_execution(execution_id)).order_by("attempt")
    for row in rows.values():
        call = ToolCallRecord(**row)
        calls.setdefault((call.node, call.visit, call.call_index), []).append(call)
    return calls
