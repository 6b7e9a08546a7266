"""The tool calls of one run, as events and ledger rows; implements `tools.ledger.ToolRecorder`."""

from typing import TYPE_CHECKING

from tools.ledger import ToolCallRecord
from workflows.engine.events import ToolFinished, ToolStarted
from workflows.tracking.facts import ToolCallOpened, ToolCallSettled
from workflows.tracking.past import Past

if TYPE_CHECKING:
    from workflows.tracking.tracker import WorkflowTracker

_SHOWN_CHARACTERS = 500


class ToolCallLog:
    """A call that was answered in an earlier attempt of the run is answered from its row."""

    def __init__(self, tracker: "WorkflowTracker", past: Past) -> None:
        self._tracker = tracker
        self._past = past

    def recorded(self, node: str, visit: int, call_index: int) -> ToolCallRecord | None:
        call = self._past.tool_answer((node, visit, call_index))
        if call is not None:
            self._tracker.emit(_started(call))
            self._tracker.emit(_finished(call))
        return call

    def attempts(self, node: str, visit: int, call_index: int) -> int:
        return self._past.tool_attempts((node, visit, call_index))

    async def opened(self, call: ToolCallRecord) -> None:
        """Returns once the open row is committed. Raises LeaseLost."""
        self._tracker.emit(_started(call))
        self._tracker.record(ToolCallOpened(call))
        await self._tracker.committed()

    def settled(self, call: ToolCallRecord) -> None:
        self._tracker.emit(_finished(call))
        self._tracker.record(ToolCallSettled(call))
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
        error=error,
    )
