"""What earlier attempts of an execution left for the replay: its events and its calls."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
from django.db.models import Max

from core.origins import of_execution
from llms.ledger import CallRecord, lost_row
from llms.models import CallStatus, ModelCall
from tools.ledger import ToolCallRecord
from tools.ledger import lost_row as lost_tool_row
from tools.models import ANSWERED, ToolCall, ToolCallStatus
from workflows.engine.events import Event, ExecutionHandedBack, identity_of
from workflows.engine.paths import Place, items_around
from workflows.models import ExecutionEvent
from workflows.nodes.error_handler import ErrorHandlerNode
from workflows.tracking.ending import Answerer
from workflows.tracking.limits import Witness
from workflows.tracking.recordings import NOTHING, Failure, Key, Recordings

_HANDLERS = (ErrorHandlerNode.key, *ErrorHandlerNode.aliases)


@dataclass(slots=True)
class Past:
    """Filled by `past_of`, and changed by nobody afterwards.

    A run's first attempt has an event or two and no calls.
    """

    seq: int = 0  # of the last event
    identities: dict[tuple[Any, ...], int] = field(default_factory=dict)  # to the event's number
    text_lengths: dict[tuple[Any, ...], int] = field(default_factory=dict)
    delays: dict[Place, str] = field(default_factory=dict)  # when each ends
    approvals: dict[Place, str] = field(default_factory=dict)  # ids of those that were asked for
    decided: dict[Place, str] = field(default_factory=dict)  # ids, whichever run had asked
    deciders: dict[Place, str] = field(default_factory=dict)  # their names at that time
    texts: dict[Key, str] = field(default_factory=dict)  # of answers, as far as they came
    failures: dict[Key, Failure] = field(default_factory=dict)  # calls that failed for good
    answerer: Answerer = Answerer()
    failed: dict[Place, Failure] = field(default_factory=dict)  # visits
    handlers: set[str] = field(default_factory=set)  # error handlers that were visited
    ended: dict[Place, int] = field(default_factory=dict)  # visits, to the event that ended them
    recordings: Recordings = NOTHING  # of the execution that this one is a rerun of
    calls: Mapping[Key, Sequence[CallRecord]] = field(default_factory=dict)
    tool_calls: Mapping[Key, Sequence[ToolCallRecord]] = field(default_factory=dict)
    witness: Witness = field(default_factory=Witness)  # of what limits ask for
    handed_back: int = 0  # attempts

    def see(self, event: Mapping[str, Any]) -> None:
        """Take up the next event of the log."""
        self.seq, kind, data = event["seq"], event["type"], event["data"]
        self.identities[identity_of(kind, data)] = self.seq
        self.witness.see(event)
        if kind == ExecutionHandedBack.type:
            self.handed_back += 1
        elif "call" in data:
            self._see_call(kind, data)
        elif "visit" in data:
            self._see_visit(kind, data)

    def _see_call(self, kind: str, data: Mapping[str, Any]) -> None:
        key = data["node"], data["visit"], data["call"]
        if kind == "model.started" and data["purpose"] == "answer":
            self.texts[key] = ""
            self.answerer = Answerer(data["provider"], data["model"], data["demo"])
        elif kind == "model.finished" and data["error"] and data["retry_in_s"] is None:
            if data["status"] == CallStatus.FAILED:
                self.failures[key] = data["error"]["code"], data["error"]["message"]
        elif kind in ("text.delta", "reasoning.delta"):
            length = data["offset"] + len(data["text"])
            self.text_lengths[kind, *key, data["attempt"]] = length
            if kind == "text.delta":
                self.texts[key] += data["text"]

    def _see_visit(self, kind: str, data: Mapping[str, Any]) -> None:
        place = data["node"], data["visit"]
        if kind == "node.started" and data["kind"] in _HANDLERS:
            self.handlers.add(data["node"])
        elif kind == "node.finished":
            self.ended[place] = self.seq
        elif kind == "node.failed":
            self.ended[place] = self.seq
            self.failed[place] = data["code"], data["message"]
        elif kind == "delay.started":
            self.delays[place] = data["until"]
        elif kind == "approval.requested":
            self.approvals[place] = data["approval"]
        elif kind == "approval.decided":
            self.decided[place], self.deciders[place] = data["approval"], data["by"]

    @property
    def partial_text(self) -> str:
        """What the run had answered, whether or not it came to an end."""
        return "\n\n".join(filter(None, self.texts.values()))

    def items(self, ended: Collection[Place], failed: Iterable[Place]) -> Mapping[Place, int]:
        """How many items had begun of each visit of a map that `ended`, or in which one `failed`:
        that may have kept others from beginning.
        """
        settled = {*ended, *(map_ for node, _ in failed for map_, _ in items_around(node))}
        begun: dict[Place, int] = {}
        for kind, *data in self.identities:
            if kind == "node.started":
                for visit, item in items_around(data[0]):
                    begun[visit] = max(begun.get(visit, 0), item + 1)
        return {visit: count for visit, count in begun.items() if visit in settled}

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
    past = Past(calls=_calls(execution_id), tool_calls=_tool_calls(execution_id))
    for event in _events(execution_id):
        past.see(event)
    return past


def unread_past_of(execution_id: UUID) -> Past:
    """What is known without reading the log: its last number, and which calls are to be settled."""
    rows = ExecutionEvent.objects.filter(execution_id=execution_id)
    last = rows.aggregate(last=Max("seq"))["last"]
    return Past(last or 0, calls=_calls(execution_id), tool_calls=_tool_calls(execution_id))


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
