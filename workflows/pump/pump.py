"""One event loop that claims many executions by lease and runs up to N of them at once."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from threading import Lock
from uuid import UUID

import structlog
from django.conf import settings

from core import clock
from core.database import database
from workflows.engine.engine import ExecutionEngine
from workflows.models import WorkflowExecution
from workflows.pump.run import Run
from workflows.registry import NODE_TYPES
from workflows.tracking.leases import claim, new_owner, renew
from workflows.tracking.writer import GroupCommitWriter

log = structlog.get_logger(__name__)
_BEAT_S = 1.0  # how soon a cancel asked for in another process is seen


class Pump:
    """Claims when woken and every few seconds, renews its leases, hands back what it cannot end.

    `wake`, `take` and `cancel` may be called from any thread; everything else runs in its loop.
    """

    def __init__(self, writer: GroupCommitWriter) -> None:
        self.owner = new_owner()
        self.beat_at = clock.now()
        self._writer = writer
        self._engine = ExecutionEngine(NODE_TYPES)
        self._runs: dict[UUID, Run] = {}
        self._reserved = 0
        self._reserving = Lock()
        self._others_wait = False
        self._stopping = False
        self._woken: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def running(self) -> int:
        return len(self._runs)

    @property
    def _free(self) -> int:
        return settings.CHATTER_PUMP_CONCURRENCY - self.running - self._reserved

    def reserve(self) -> bool:
        """Keep a place for an execution that is about to be committed as ours; see `take`."""
        with self._reserving:
            if self._stopping or self._loop is None or self._free <= 0:
                return False
            self._reserved += 1
            return True

    def release(self) -> None:
        """Give up a place that was kept."""
        with self._reserving:
            self._reserved -= 1

    def take(self, execution: WorkflowExecution) -> None:
        """Run an execution that was committed with our lease."""
        self._call(self._take, execution)

    def wake(self) -> None:
        """Look for work now."""
        if self._woken is not None:
            self._call(self._woken.set)

    def cancel(self, execution_id: UUID) -> None:
        """Stop this execution if it runs here; otherwise whoever runs it sees the request."""
        self._call(self._cancel, execution_id)

    async def serve(self, stop: asyncio.Event) -> None:
        """Work until told to stop, then hand everything back."""
        self._loop, self._woken = asyncio.get_running_loop(), asyncio.Event()
        beat = self._loop.create_task(self._beat())
        stopped = self._loop.create_task(stop.wait())
        try:
            while not stop.is_set():
                await self._claim()
                woken = self._loop.create_task(self._woken.wait())
                await asyncio.wait(
                    {woken, stopped},
                    timeout=settings.CHATTER_LEASE_S / 4,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                woken.cancel()
                self._woken.clear()
        finally:
            self._stopping = True
            beat.cancel()
            stopped.cancel()
            await self.hand_back()

    async def drain(self) -> None:
        """Run all that is claimable, in this loop, until nothing is left."""
        self._loop = asyncio.get_running_loop()
        while await self._claim():
            await asyncio.gather(*(run.task for run in self._runs.values()))

    async def hand_back(self) -> None:
        """Stop every run and give it back, for whoever claims it next."""
        runs = list(self._runs.values())
        for run in runs:
            run.hand_back()
        await asyncio.gather(*(run.task for run in runs), return_exceptions=True)

    async def _claim(self) -> int:
        if (free := self._free) <= 0:
            self._others_wait = True
            return 0
        try:
            claimed, self._others_wait = await database.run(claim, self.owner, free)
        except Exception:
            log.exception("pump.claim_failed")
            return 0
        for execution in claimed:
            self._begin(execution)
        return len(claimed)

    async def _beat(self) -> None:
        """Prolong the leases; a run that someone asked to cancel in another process stops here."""
        while True:
            await asyncio.sleep(min(settings.CHATTER_LEASE_S / 4, _BEAT_S))
            try:
                running = list(self._runs)
                asked = await database.run(renew, self.owner, running) if running else ()
            except Exception:
                log.exception("pump.renewal_failed")
                continue
            self.beat_at = clock.now()
            for execution_id in asked:
                self._cancel(execution_id)

    def _take(self, execution: WorkflowExecution) -> None:
        self.release()
        self._begin(execution)

    def _begin(self, execution: WorkflowExecution) -> None:
        run = Run(execution, self._writer, self._engine)
        self._runs[execution.id] = run
        run.begin(self._ended)

    def _ended(self, run: Run) -> None:
        if self._runs.get(run.execution.id) is run:  # else it was taken up again, here
            del self._runs[run.execution.id]
        if self._others_wait and self._woken is not None:
            self._woken.set()

    def _cancel(self, execution_id: UUID) -> None:
        if (run := self._runs.get(execution_id)) is not None:
            run.cancel()

    def _call(self, function: Callable[..., object], *args: object) -> None:
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has just closed
                # Without the caller's context: what a request holds is not for its runs.
                self._loop.call_soon_threadsafe(function, *args, context=Context())
