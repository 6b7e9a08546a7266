"""The tool calls of one run, as events and ledger rows; implements `tools.ledger.ToolRecorder`."""

from typing import TYPE_CHECKING

from tools.ledger import ToolCallRecord
from tools.refusals import egress_refused
from workflows.engine.events import ToolFinished, ToolStarted
from workflows.tracking.facts import Audited, ToolCallAnswered, ToolCallOpened, ToolCallSettled
from workflows.tracking.past import Past
from workflows.tracking.recordings import Key, repeated_tool_call

if TYPE_CHECKING:
    from workflows.tracking.tracker import WorkflowTracker

_SHOWN_CHARACTERS = 500


class ToolCallLog:
    """A call that was answered in an earlier attempt of the run is answered from its row."""

    def __init__(self, tracker: "WorkflowTracker", past: Past) -> None:
        self._tracker = tracker
        self._past = past

    def recorded(self, node: str, visit: int, call_index: int) -> ToolCallRecord | None:
        key = (node, visit, call_index)
        call = self._past.tool_answer(key)
        if call is None:
            call = self._repeated(key)
        if call is not None:
            self._tracker.emit(_started(call))
            self._tracker.emit(_finished(call))
        return call

    def _repeated(self, key: Key) -> ToolCallRecord | None:
        """The row of a call that is answered as in the run that this is a rerun of."""
        recording = self._past.recordings.tool_calls.get(key)
        if recording is None:
            return None
        attempt = self._past.tool_attempts(key) + 1
        call = repeated_tool_call(recording, self._tracker.execution, attempt)
        self._tracker.access.repeated(call)
        self._tracker.record(ToolCallAnswered(call))
        self._tracker.flush_soon()
        return call

    def attempts(self, node: str, visit: int, call_index: int) -> int:
        return self._past.tool_attempts((node, visit, call_index))

    async def opened(self, call: ToolCallRecord) -> None:
        """Returns once the open row is committed. Raises LeaseLost."""
        self._tracker.access.asked(call)
        self._tracker.emit(_started(call))
        self._tracker.record(ToolCallOpened(call))
        await self._tracker.committed()

    def settled(self, call: ToolCallRecord) -> None:
        self._tracker.emit(_finished(call))
        self._tracker.access.settled(call)
        self._tracker.record(ToolCallSettled(call))
        if refused := egress_refused(call):
            self._tracker.record(Audited(refused))
        self._tracker.flush_soon()


def _started(call: ToolCallRecord) -> ToolStarted:
    return ToolStarted(
        node=call.node,
        visit=call.visit,
        call=call.call_index,
        attempt=call.attempt,
        tool=call.tool,
        arguments=call.arguments,
    )


def _finished(call: ToolCallRecord) -> ToolFinished:
    error = {"code": call.error_code, "message": call.error_message} if call.error_code else None
    return ToolFinished(
        node=call.node,
        visit=call.visit,
        call=call.call_index,
        attempt=call.attempt,
        tool=call.tool,
        status=call.status,
        text=call.text[:_SHOWN_CHARACTERS],
        latency_ms=call.latency_ms,
        answered_by=call.answered_by,
        error=error,
    )
