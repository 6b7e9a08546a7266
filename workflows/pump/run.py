"""One execution under way: engine, tracker, and how it is stopped."""

import asyncio
from asyncio import FIRST_COMPLETED
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import ParamSpec, TypeVar

import structlog
from django.db import DataError, IntegrityError
from django.db import Error as DatabaseFailure

from audit.context import RequestContext, bound
from core.database import database
from core.outage import AWAY
from workflows.engine.engine import ExecutionEngine
from workflows.engine.errors import BeyondLimit, RunFailed
from workflows.engine.events import ExecutionCancelling
from workflows.engine.halt import Halt
from workflows.engine.pausing import RunPaused
from workflows.models import WorkflowExecution
from workflows.pump.doorbell import doorbell
from workflows.pump.resources import context_of
from workflows.tracking.past import Past, past_of, unread_past_of
from workflows.tracking.sources import recordings_of
from workflows.tracking.tracker import WorkflowTracker
from workflows.tracking.writer import GroupCommitWriter, LeaseLost

log = structlog.get_logger(__name__)
_MOST_ATTEMPTS = 20
_GAVE_UP = "too_many_attempts", "The run was taken up too often without coming to an end."
_INTERNAL = "internal_error", "The run stopped on an error of the server; its log has the details."
# What a write fails with for what is to be written: it would fail the same in every attempt.
_UNWRITABLE = (DataError, TypeError, ValueError, OverflowError, RecursionError)
# How SQLite and PostgreSQL name that a check of a table refuses a row, such as SQLite's of JSON.
_CHECK_FAILED = ("SQLITE_CONSTRAINT_CHECK", "23514")
P = ParamSpec("P")
T = TypeVar("T")


class Run:
    """Ends its execution in a terminal state, pauses it, hands it back, or leaves it to its next
    owner."""

    def __init__(
        self, execution: WorkflowExecution, writer: GroupCommitWriter, engine: ExecutionEngine
    ) -> None:
        self.execution = execution
        self.task: asyncio.Task[None]
        self._writer = writer
        self._engine = engine
        self._cancelling = execution.cancel_requested_at is not None
        self._handing_back = False
        self._executing = False
        self._halt = Halt()
        self._tracker: WorkflowTracker | None = None
        self._broken: Exception | None = None
        self._loop = asyncio.get_running_loop()

    def begin(self, on_end: Callable[["Run"], None]) -> None:
        self.task = self._loop.create_task(self._run(), name=f"execution {self.execution.id}")
        self.task.add_done_callback(lambda _: on_end(self))

    def cancel(self) -> None:
        """Stop it for good: nothing more starts, the call in flight is closed."""
        if not self._cancelling:
            self._cancelling = True
            self._interrupt()

    def hand_back(self) -> None:
        """Stop it here, to be continued elsewhere."""
        if not self._cancelling:
            self._handing_back = True
            self._interrupt()

    async def wind_up(self, within_s: float) -> None:
        """Let the steps under way end within this time, and hand back the rest."""
        self._halt.ask()
        halted = self._loop.create_task(self._halt.reached.wait())
        await asyncio.wait({self.task, halted}, timeout=within_s, return_when=FIRST_COMPLETED)
        halted.cancel()
        self.hand_back()
        await asyncio.wait({self.task})

    def abandon(self) -> None:
        """Another owner has it, so nothing done here could be written any more."""
        self._on_break(LeaseLost(self.execution.id))

    def _interrupt(self) -> None:
        """Interrupt only the graph: what comes before it is short, and checks the flags itself."""
        if self._executing:
            if self._cancelling and self._tracker is not None:
                self._tracker.emit(ExecutionCancelling())
            self.task.cancel()

    async def _run(self) -> None:
        run = self.execution
        began = RequestContext(run.request_id, run.user_id, run.address or "")
        ids = {"execution": str(run.id), "attempt": run.attempt}
        with bound(began), structlog.contextvars.bound_contextvars(**ids):
            try:
                await self._run_recorded()
            except LeaseLost:
                log.warning("execution.lease_lost")
            except asyncio.CancelledError:
                if self._broken is None:
                    raise
                if isinstance(self._broken, LeaseLost):
                    log.warning("execution.lease_lost")
                else:
                    log.error("execution.abandoned", exc_info=self._broken)
            except Exception:
                log.exception("execution.abandoned")

    async def _run_recorded(self) -> None:
        """Run the graph and record how it ended; if that cannot be recorded, leave it as it is."""
        try:
            await self._attempt()
        except asyncio.CancelledError:
            if not _is_unwritable(self._broken):
                raise
            log.error("execution.unwritable", exc_info=self._broken)
            self.task.uncancel()
            past, _ = await self._past()
            await self._start_tracker(past).fail(*_INTERNAL)

    async def _attempt(self) -> None:
        past, trouble = await self._past() if self.execution.attempt > 1 else (Past(seq=1), None)
        # Count only attempts that died: a run may wait, and outlive any number of processes.
        if self.execution.attempt - self.execution.pauses - past.handed_back > _MOST_ATTEMPTS:
            trouble = _GAVE_UP
        if self.execution.rerun and trouble is None:
            recordings = await _read(recordings_of, self.execution)
            if recordings is None:
                trouble = _INTERNAL
            else:
                past = replace(past, recordings=recordings)
        tracker = self._start_tracker(past)
        if trouble is not None:
            await tracker.fail(*trouble)
        else:
            await self._run_to_end(tracker, past)

    async def _past(self) -> tuple[Past, tuple[str, str] | None]:
        """What happened so far; or, if that cannot be read, the error to end the run with."""
        past = await _read(past_of, self.execution.id)
        if past is not None:
            return past, None
        return await database.run(unread_past_of, self.execution.id), _INTERNAL

    def _start_tracker(self, past: Past) -> WorkflowTracker:
        self._tracker = WorkflowTracker(self.execution, self._writer, past, self._on_break)
        self._tracker.start()
        return self._tracker

    async def _run_to_end(self, tracker: WorkflowTracker, past: Past) -> None:
        try:
            await self._execute(tracker, past)
        except BeyondLimit as error:
            await tracker.end_by_limit(error.event)
        except RunFailed as error:
            await tracker.fail(error.code, error.message, error.node)
        except RunPaused:
            await tracker.pause()
            # A decision made meanwhile found nobody to resume the run.
            await database.run(doorbell.ring)
        except asyncio.CancelledError:
            await self._end_stopped(tracker)
        except (LeaseLost, *AWAY):
            raise
        except Exception:
            log.exception("execution.crashed")
            await tracker.fail(*_INTERNAL)

    async def _execute(self, tracker: WorkflowTracker, past: Past) -> None:
        if self._cancelling or self._handing_back:
            raise asyncio.CancelledError
        self._executing = True
        try:
            result = await self._engine.execute(
                context_of(self.execution, tracker, past, self._halt)
            )
        finally:
            self._executing = False
        await tracker.complete(result)

    async def _end_stopped(self, tracker: WorkflowTracker) -> None:
        """The task was cancelled: by a user, by a shutdown, or because a write failed."""
        if self._broken is not None or not (self._cancelling or self._handing_back):
            raise asyncio.CancelledError
        self.task.uncancel()
        if self._cancelling:
            await tracker.cancel()
        else:
            await tracker.hand_back()

    def _on_break(self, error: Exception) -> None:
        self._broken = error
        with suppress(RuntimeError):  # the loop has just closed
            self._loop.call_soon_threadsafe(self.task.cancel)


def _is_unwritable(error: Exception | None) -> bool:
    """Whether the values themselves were refused; a conflict over a row or number is temporary."""
    cause = error.__cause__ if isinstance(error, IntegrityError) else None
    names = (getattr(cause, "sqlite_errorname", None), getattr(cause, "sqlstate", None))
    return isinstance(error, _UNWRITABLE) or any(name in _CHECK_FAILED for name in names)


async def _read(step: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
    """What a step reads; None if the data itself makes it fail, as it would again next time."""
    try:
        return await database.run(step, *args, **kwargs)
    except DatabaseFailure:
        raise
    except Exception:
        log.exception("execution.unreadable")
        return None
