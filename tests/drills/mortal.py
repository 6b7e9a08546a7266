"""Processes that die, within the test's own: what they do after their end is never written."""

import asyncio
from collections.abc import Callable
from contextvars import Context
from datetime import timedelta
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from django.db.models.functions import Now
from django.test import override_settings

from llms.metering import close_clients
from workflows.models import ExecutionEvent, WorkflowExecution
from workflows.pump.pump import Pump
from workflows.services.executions import ExecutionAlreadyOver, request_cancel
from workflows.tracking.facts import Unit
from workflows.tracking.log import read_log
from workflows.tracking.writer import GroupCommitWriter, writer

PATIENCE_S = 20.0


class MortalWriter(GroupCommitWriter):
    """The writer of a process that dies when it is told to, or with the next write after so many
    commits that somebody waited for.

    What nobody waits for is committed at once, as by the thread that a real one has.
    """

    def __init__(self, commits: int | None = None) -> None:
        super().__init__()
        self.commits_left = commits
        self.dead = False
        self._written: set[asyncio.Task[None]] = set()

    def submit(self, unit: Unit) -> None:
        self.dead = self.dead or self.commits_left == 0
        if self.dead:
            return
        super().submit(unit)
        # What a loop leaves behind puts its context into whatever runs when it is collected
        # (asgiref does that), so this task has none.
        written = sync_to_async(self._commit_queued)()
        task = asyncio.get_running_loop().create_task(written, context=Context())
        self._written.add(task)
        task.add_done_callback(self._written.discard)

    async def settle(self) -> None:
        """Return when nothing is being written, and write no more: what a loop leaves behind spoils
        the next.
        """
        while self._written:
            await asyncio.gather(*self._written)
        self.dead = True

    async def commit(self, unit: Unit) -> None:
        """Nothing is awaited before it is queued: what is told later must not come before it."""
        self.dead = self.dead or self.commits_left == 0
        if self.dead:
            await asyncio.Event().wait()
        if self.commits_left is not None:
            self.commits_left -= 1
        await super().commit(unit)


def live_and_die(
    when: Callable[[], bool] | None = None, *, after_commits: int | None = None
) -> bool:
    """Run all that is claimable in a process that dies; True when it died before it was done."""
    mortal = MortalWriter(after_commits)

    async def life() -> bool:
        work = asyncio.get_running_loop().create_task(Pump(mortal).drain())
        async with asyncio.timeout(PATIENCE_S):
            while not (work.done() or mortal.dead):
                mortal.dead = mortal.dead or bool(when and await sync_to_async(when)())
                await asyncio.sleep(0.005)
        died = not work.done()
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        await mortal.settle()
        await close_clients()
        return died

    return bool(async_to_sync(life)())


def stopped_at(kind: str, execution: WorkflowExecution) -> bool:
    """Run all that is claimable, and stop one execution once it has logged this; False: it never
    did, or was over by then. The answer under way is not drained.
    """

    def ask() -> bool:
        try:
            request_cancel(execution.pk, by=execution.user)
        except ExecutionAlreadyOver:
            return False
        return True

    async def life() -> bool:
        mortal = MortalWriter()
        pump = Pump(mortal)
        work = asyncio.get_running_loop().create_task(pump.drain())
        await until(lambda: work.done() or kind in types_of(execution))
        stopped = not work.done()
        if stopped:
            await asyncio.sleep(0.05)  # a call is sent just after its row is committed
            if stopped := await sync_to_async(ask)():
                pump.cancel(execution.pk)
        async with asyncio.timeout(PATIENCE_S):
            await work
        await mortal.settle()
        await close_clients()
        return stopped

    with override_settings(CHATTER_DRAIN_S=0):
        return bool(async_to_sync(life)())


def leases_run_out() -> None:
    """Time passes: whoever owned an execution and died is not its owner any more."""
    past = Now() - timedelta(seconds=1)
    WorkflowExecution.objects.filter(status="running").update(lease_expires_at=past)


def take_up() -> None:
    """Another process finds what is left, and runs it to its end."""

    async def life() -> None:
        async with asyncio.timeout(PATIENCE_S):
            await Pump(writer).drain()
        await close_clients()

    leases_run_out()
    async_to_sync(life)()


def events_of(execution: Any) -> list[dict[str, Any]]:
    """The log, which must be gapless: where events are not there, the next one says how many."""
    events = [frame.event() for frame in read_log(getattr(execution, "pk", execution))]
    before = [0, *(event["seq"] for event in events)]
    for seq, event in zip(before, events, strict=False):
        assert event["seq"] == seq + 1 + event.get("pruned", 0)
    return events


def types_of(execution: Any) -> list[str]:
    return [event["type"] for event in events_of(execution)]


def logged(kind: str, **data: Any) -> Callable[[], bool]:
    """Whether any log holds such an event."""

    def found() -> bool:
        for row in ExecutionEvent.objects.filter(frames__contains=kind):
            for event in events_of(row.execution_id):
                if event["type"] == kind and data.items() <= event["data"].items():
                    return True
        return False

    return found


async def until(holds: Callable[[], bool]) -> None:
    """Look into the database until something holds there."""
    async with asyncio.timeout(PATIENCE_S):
        while not await sync_to_async(holds)():  # noqa: ASYNC110 - a table sets no event
            await asyncio.sleep(0.01)
