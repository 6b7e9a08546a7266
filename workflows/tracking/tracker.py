"""Records one run: numbers its events, keeps its ledger rows, ends it; the engine's only way to
the database."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any
from uuid import UUID

from core import clock
from llms.bounding import Lengths
from llms.budgeting import need_of, refused
from llms.ledger import CallRecord
from workflows.engine.events import (
    Event,
    ExecutionHandedBack,
    ExecutionResumed,
    ExecutionStarted,
    ExecutionWaiting,
    LimitReached,
    NodeFailed,
    NodeFinished,
)
from workflows.engine.paths import Place
from workflows.engine.result import ExecutionResult
from workflows.models import ExecutionStatus, WorkflowExecution
from workflows.tracking.access import Access
from workflows.tracking.approvals import ApprovalLog
from workflows.tracking.calls import CallLog
from workflows.tracking.ending import ExecutionEnded
from workflows.tracking.facts import (
    CallBooked,
    CallOpened,
    CallSettled,
    EventsHappened,
    Fact,
    HandedBack,
    Line,
    ToolCallSettled,
    Unit,
)
from workflows.tracking.frames import frame
from workflows.tracking.limits import audited
from workflows.tracking.past import Past
from workflows.tracking.pausing import ApprovalsWithdrawn, Paused
from workflows.tracking.tool_calls import ToolCallLog
from workflows.tracking.writer import GroupCommitWriter

# Events wait this long for company; a durable write takes them along at once.
_COALESCE_S = 0.05
# A settled call waits for the steps that usually follow it at once, so that they share a commit.
_SETTLE_S = 0.01


class WorkflowTracker:
    """`start`, `emit`, and one of `complete`, `fail`, `cancel`, `pause`, `hand_back`.

    Lives in the event loop of its run. `on_break` is called (in the writer's thread) when a write
    of this run was refused or failed: the run must stop, its lease is left to run out.
    `failed` are the visits of nodes, with their names in the whole run, that failed so far.
    """

    def __init__(
        self,
        execution: WorkflowExecution,
        writer: GroupCommitWriter,
        past: Past,
        on_break: Callable[[Exception], None] | None = None,
    ) -> None:
        self.execution = execution
        self.access = Access(chain.from_iterable(past.tool_calls.values()))
        self.calls = CallLog(self, past)
        self.tool_calls = ToolCallLog(self, past)
        self.approvals = ApprovalLog(self, past)
        self.failed: set[Place] = set()
        self._writer = writer
        self._past = past
        self._seq = past.seq
        lease = (execution.id, execution.attempt)
        self._line = Line(lease, on_break, request_id=execution.request_id)
        self._events = self._fresh_events()
        self._facts: list[Fact] = []
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0

    @property
    def last_seq(self) -> int:
        """The number of the last event."""
        return self._seq

    def start(self) -> None:
        """Say that this attempt runs; calls left open by an earlier owner are settled as lost."""
        attempt = self.execution.attempt
        for call in self._past.open_calls():
            self._over(call)
        for tool_call in self._past.open_tool_calls():
            self.record(ToolCallSettled(tool_call))
        self.emit(ExecutionStarted(attempt) if attempt == 1 else ExecutionResumed(attempt))

    def emit(self, event: Event) -> None:
        """Number an event and queue it, unless the log has it already."""
        if isinstance(event, NodeFailed):
            self.failed.add((event.node, event.visit))
        if self._past.has(event):
            return
        if isinstance(event, NodeFinished | NodeFailed):
            ended = self._past.recordings.ended
            event = replace(event, repeated=(event.node, event.visit) in ended)
        self.calls.flush_text()
        self.append(event)
        if isinstance(event, LimitReached):
            self.record(audited(event, self.execution))
        if self._timer is None:  # else it is due sooner
            self.flush_within(_COALESCE_S)

    def append(self, event: Event) -> None:
        """Number an event, to be written with whatever is written next."""
        self._seq += 1
        self._events.frames.append(
            frame(self.execution.id, self._seq, event.type, clock.now(), event)
        )

    def record(self, fact: Fact) -> None:
        """Queue a fact to be committed with the events around it."""
        self._facts.append(fact)

    async def opened(self, call: CallRecord, lengths: Lengths | None = None) -> int | None:
        """Commit the open row and all before it; the longest answer, if a budget cuts it short.

        Raises LeaseLost, ProviderError by a budget.
        """
        booked = CallBooked(call, need_of(call, self.execution.budget_keys, lengths), lengths)
        self.record(booked)
        self.record(CallOpened(call.row(), booked))
        await self.committed()
        if booked.refusal:
            raise refused(booked.refusal)
        for name, value in booked.columns().items():
            setattr(call, name, value)
        return booked.answer

    def settled(self, call: CallRecord) -> None:
        self._over(call)
        self.flush_soon()

    def _over(self, call: CallRecord) -> None:
        self.record(CallBooked(call))
        self.record(CallSettled(call))

    async def complete(self, result: ExecutionResult) -> None:
        """End the run as completed, in one transaction with its reply, totals and audit entry."""
        output: dict[str, Any] = {"text": result.text, "variables": dict(result.variables)}
        if result.memory is not None and result.memory.through:
            memory = result.memory
            output["memory"] = {"summary": memory.summary, "through": memory.through}
        await self._end(ExecutionStatus.COMPLETED, result.text, output=output)

    async def fail(self, code: str, message: str, node: str = "") -> None:
        """End the run as failed; the text answered so far stays with the message."""
        error = {"code": code, "message": message, "node": node}
        await self._end(ExecutionStatus.FAILED, self.calls.partial_text, error=error)

    async def end_by_limit(self, event: LimitReached) -> None:
        """End the run as failed, with the limit as the reason; an output too large is dropped."""
        self.emit(event)
        error = {"code": event.code, "message": event.message, "node": event.node}
        text = "" if event.limit == "output" else self.calls.partial_text
        await self._end(ExecutionStatus.FAILED, text, error=error)

    async def cancel(self) -> None:
        """End the run as cancelled; its calls are settled already."""
        await self._end(ExecutionStatus.CANCELLED, self.calls.partial_text)

    async def pause(self) -> None:
        """Leave the execution until somebody decides what it waits for."""
        waiting = self.approvals.waiting
        self.emit(ExecutionWaiting(self.execution.attempt, waiting))
        self.record(Paused(self.execution.id, [UUID(one["approval"]) for one in waiting]))
        await self.committed()

    async def hand_back(self) -> None:
        """Hand the execution back, for the next pump that claims it."""
        self.emit(ExecutionHandedBack(self.execution.attempt))
        self.record(HandedBack(self.execution.id))
        await self.committed()

    def flush_soon(self) -> None:
        """Submit what is queued soon, together with anything that follows at once."""
        self.flush_within(_SETTLE_S)

    def flush_within(self, seconds: float) -> None:
        """Submit what is queued within this time."""
        loop = asyncio.get_running_loop()
        due = loop.time() + seconds
        if self._timer is not None:
            if self._due <= due:
                return
            self._timer.cancel()
        self._due, self._timer = due, loop.call_later(seconds, self._flush)

    def _flush(self) -> None:
        self.calls.flush_text()
        if (unit := self._unit()) is not None:
            self._writer.submit(unit)

    async def committed(self) -> None:
        """Return once all that was queued or submitted is committed. Raises LeaseLost."""
        self.calls.flush_text()
        await self._writer.commit(self._unit() or Unit([], self._line))

    async def _end(
        self,
        status: ExecutionStatus,
        text: str,
        *,
        output: Mapping[str, Any] | None = None,
        error: Mapping[str, str] | None = None,
    ) -> None:
        self.calls.flush_text()
        execution, finished_at = self.execution, clock.now()
        began = execution.started_at or execution.created_at
        took_ms = round((finished_at - began).total_seconds() * 1000) - execution.waited_ms
        self._seq += 1
        ended = ExecutionEnded(
            execution_id=execution.id,
            user_id=execution.user_id,
            status=status,
            request_id=execution.request_id,
            created_at=execution.created_at,
            finished_at=finished_at,
            duration_ms=max(took_ms, 0),
            seq=self._seq,
            text=text,
            events=self._events,
            output=output,
            error=error,
            answerer=self.calls.answerer,
            address=execution.address or "",
            access=self.access,
        )
        if self.approvals.asked:
            self.record(ApprovalsWithdrawn(execution.id))
        self.record(ended)
        self.record(ended.audited())
        await self.committed()

    def _unit(self) -> Unit | None:
        """All that is queued, as one unit; None when there is nothing."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._facts and not self._events.frames:
            return None
        facts, self._facts = [*self._facts, self._events], []
        self._events = self._fresh_events()
        return Unit(facts, self._line)

    def _fresh_events(self) -> EventsHappened:
        return EventsHappened(self.execution.id, self.execution.user_id, self.execution.serial_key)
