"""Start and cancel an execution."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.models import User
from audit.record import record
from core import clock
from core.database import database
from core.errors import Conflict
from core.events import Going
from workflows.engine.events import TERMINAL_TYPES
from workflows.models import ExecutionStatus, WorkflowExecution
from workflows.pump.doorbell import doorbell
from workflows.services.places import place_for, place_in_queue
from workflows.services.planning import StartPlan
from workflows.tracking.ending import ExecutionEnded
from workflows.tracking.facts import EventsHappened, Unit
from workflows.tracking.frames import Frame
from workflows.tracking.leases import first_expiry
from workflows.tracking.log import Tail
from workflows.tracking.past import past_of
from workflows.tracking.pausing import ApprovalsWithdrawn
from workflows.tracking.writer import writer

_TRIES = 5
_STOPS_WITHIN_S = 5.0
_REMEMBERED_S = 10.0  # longer than from reading in `prepare` to acting on it
_starting: dict[Any, asyncio.Task[None]] = {}


class ExecutionAlreadyOver(Conflict):
    code = "execution_already_over"
    message = "The execution is {status}; nothing is left to stop."


class StartContended(Conflict):
    code = "start_contended"
    message = "Too many starts at once here; try again."


async def start_execution(prepare: Callable[[], StartPlan]) -> StartPlan:
    """Commit what `prepare` plans and make sure it runs; returns once it is committed.

    `prepare` runs in a database thread, and again when another start got in between (the next turn
    of the same conversation, the same idempotency key). If this process has a pump with room, the
    execution is committed as claimed by it. Raises what `prepare` raises, StartContended,
    TooManyExecutions, QueueFull.
    """
    for _ in range(_TRIES):
        plan = await _planned(prepare)
        if plan.existing:
            return plan
        with suppress(IntegrityError):
            await _commit_shielded(_commit(plan), _name(plan))
            return plan
    raise StartContended


def _name(plan: StartPlan) -> Any:
    """What identifies a start, in this loop: two with the same cause are one."""
    return asyncio.get_running_loop(), plan.cause or plan.execution.id


async def _planned(prepare: Callable[[], StartPlan]) -> StartPlan:
    """Plan; if the same start is under way or just over, wait for it and plan again.

    So one start never takes two places of a limit.
    """
    plan, seen = await database.run(prepare), None
    while not plan.existing and (other := _starting.get(_name(plan))) not in (None, seen):
        await asyncio.wait([other])
        plan, seen = await database.run(prepare), other
    return plan


async def _commit_shielded(commit: Coroutine[None, None, None], name: Any) -> None:
    """Commit even if the client leaves: the pump that claims the execution must learn of it."""
    task = _starting[name] = asyncio.create_task(commit)
    task.add_done_callback(lambda done: _forget(name, done))
    await asyncio.shield(task)


def _forget(name: Any, done: asyncio.Task[None]) -> None:
    if done.cancelled() or done.exception() is not None:
        _starting.pop(name, None)
    else:
        asyncio.get_running_loop().call_later(_REMEMBERED_S, _starting.pop, name, None)


async def _commit(plan: StartPlan) -> None:
    """Raises TooManyExecutions, QueueFull, IntegrityError."""
    async with place_for(plan.execution):
        await _commit_to_pump(plan)


async def _commit_to_pump(plan: StartPlan) -> None:
    pump = doorbell.pump  # read once: it may leave meanwhile
    if pump is None or not plan.free or not pump.reserve():
        await _commit_to_queue(plan)
        return
    execution = plan.execution
    execution.status, execution.attempt = ExecutionStatus.RUNNING, 1
    execution.lease_owner, execution.lease_expires_at = pump.owner, first_expiry()
    execution.started_at = execution.created_at
    try:
        await writer.commit(Unit(plan.facts, on_commit=partial(pump.take, execution)))
    except Exception:
        pump.release()
        raise


async def _commit_to_queue(plan: StartPlan) -> None:
    async with place_in_queue(plan.execution):
        await writer.commit(Unit(plan.facts))
    if not doorbell.hint():
        await database.run(doorbell.see)


async def cancel_execution(execution_id: UUID, *, by: User) -> bool:
    """Ask an execution to stop; True once it has, False if it is still stopping after 5 s, or when
    this server stops.

    After True no node starts, the call in flight is closed and its tokens are in the ledger.
    Raises ExecutionAlreadyOver.
    """
    with Tail(execution_id) as tail:
        await database.run(request_cancel, execution_id, by=by)
        with suppress(TimeoutError, Going):
            async with asyncio.timeout(_STOPS_WITHIN_S):
                async for frame in tail.frames():
                    if frame.last:
                        _refuse_other_ends(frame)
                        return True
        return False


def _refuse_other_ends(last: Frame) -> None:
    """It may have ended by itself meanwhile."""
    if last.type != TERMINAL_TYPES[ExecutionStatus.CANCELLED]:
        raise ExecutionAlreadyOver(status=last.type.removeprefix("execution."))


@transaction.atomic
def request_cancel(execution_id: UUID, *, by: User) -> None:
    """Ask an execution to stop. If nobody runs it, end it here; else its owner sees the request.

    Raises ExecutionAlreadyOver.
    """
    execution = WorkflowExecution.objects.select_for_update().get(pk=execution_id)
    if execution.over:
        raise ExecutionAlreadyOver(status=execution.status)
    now = clock.now()
    if execution.status in (ExecutionStatus.PENDING, ExecutionStatus.WAITING):
        past = past_of(execution.id)
        events = EventsHappened(execution.id, execution.user_id, execution.serial_key)
        ended = ExecutionEnded(
            execution_id=execution.id,
            user_id=execution.user_id,
            status=ExecutionStatus.CANCELLED,
            request_id=execution.request_id,
            created_at=execution.created_at,
            finished_at=now,
            duration_ms=_ran_ms(execution, now),
            seq=past.seq + 1,
            text=past.partial_text,
            answerer=past.answerer,
            events=events,
        )
        withdrawn = ApprovalsWithdrawn(execution.id)
        writer.commit_now(Unit([withdrawn, ended, events, ended.audited()]))
        transaction.on_commit(doorbell.ring)
    elif execution.cancel_requested_at is None:
        execution.cancel_requested_at = now
        execution.save(update_fields=["cancel_requested_at"])
        transaction.on_commit(lambda: doorbell.cancel(execution_id))
    record("workflows.execution.cancel_requested", actor=by, target=execution)


def _ran_ms(execution: WorkflowExecution, now: datetime) -> int:
    """How long an execution that nobody runs took, without its waits for people."""
    until = execution.waiting_since or now
    took = until - (execution.started_at or execution.created_at)
    return max(round(took.total_seconds() * 1000) - execution.waited_ms, 0)
