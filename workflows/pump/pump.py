"""One event loop that claims many executions by lease and runs up to N of them at once."""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from contextvars import Context
from threading import Lock
from uuid import UUID

import structlog
from django.conf import settings

from core.database import database
from workflows.engine.engine import ExecutionEngine
from workflows.models import WorkflowExecution
from workflows.pump.run import Run
from workflows.registry import NODE_TYPES
from workflows.tracking.leases import claim, new_owner, renew, some_wait
from workflows.tracking.writer import GroupCommitWriter

log = structlog.get_logger(__name__)
_BEAT_S = 1.0  # how soon a cancel asked for in another process is seen
_TAKEN_S = 1.0  # how long a stop waits for what is being committed as ours


class Pump:
    """Claims when woken and every few seconds, renews its leases, hands back what it cannot finish.

    `wake`, `take` and `cancel` may be called from any thread; everything else runs in its loop.
    """

    def __init__(self, writer: GroupCommitWriter) -> None:
        self.owner = new_owner()
        self.beat_at = time.monotonic()
        self._beat_now = asyncio.Event()
        self._writer = writer
        self._engine = ExecutionEngine(NODE_TYPES)
        self._runs: dict[UUID, Run] = {}
        self._reserved = 0  # places for what is about to be committed as ours
        self._held = 0  # places for what is about to be claimed
        self._too_few = False  # places, for all that could have been claimed
        self._reserving = Lock()
        self._others_wait = False
        self._behind = False
        self._last_user: UUID | None = None  # the user whose execution was claimed last
        self._stopping = False
        self._woken: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def running(self) -> int:
        return len(self._runs)

    @property
    def claiming(self) -> bool:
        return not self._stopping

    @property
    def _free(self) -> int:
        return settings.CHATTER_PUMP_CONCURRENCY - self.running - self._reserved - self._held

    def reserve(self) -> bool:
        """Reserve a place for an execution about to be committed as ours; see `take`.

        While others wait for a place, nobody gets one out of turn.
        """
        with self._reserving:
            if self._stopping or self._behind or self._loop is None or self._free <= 0:
                return False
            self._reserved += 1
            return True

    def release(self) -> None:
        """Give up a reserved place."""
        with self._reserving:
            self._reserved -= 1

    def take(self, execution: WorkflowExecution) -> None:
        """Run an execution that was committed with our lease, in the reserved place."""
        self._call(self._take, execution)

    def wake(self) -> None:
        """Look for work now."""
        if self._woken is not None:
            self._call(self._woken.set)

    def cancel(self, execution_id: UUID) -> None:
        """Stop this execution if it runs here; otherwise whoever runs it sees the request."""
        self._call(self._cancel, execution_id)

    def look_for_cancels(self) -> None:
        """Somebody asked for a cancel in another process; it may concern a run of ours."""
        self._call(self._beat_now.set)

    def retire(self) -> None:
        """Claim nothing more; what runs here goes on."""
        with self._reserving:
            self._stopping = True

    async def serve(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; then steps under way may end, and the rest is handed back."""
        self._loop, self._woken = asyncio.get_running_loop(), asyncio.Event()
        beat = self._loop.create_task(self._beat())
        turn = self._loop.create_task(self._turn())
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
            self.retire()
            stopped.cancel()
            await self._wind_up()
            beat.cancel()
            turn.cancel()

    async def drain(self) -> None:
        """Run everything claimable, in this loop, until nothing is left."""
        self._loop = asyncio.get_running_loop()
        while await self._claim():
            await asyncio.gather(*(run.task for run in self._runs.values()))

    async def _wind_up(self) -> None:
        """Hand every run back, for the next pump that claims it; also what is being started."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_TAKEN_S):
                while self._reserved:  # noqa: ASYNC110 - threads change it
                    await asyncio.sleep(_TAKEN_S / 100)
        runs = list(self._runs.values())
        within_s = settings.CHATTER_STOP_S
        await asyncio.gather(*(run.wind_up(within_s) for run in runs), return_exceptions=True)

    async def _claim(self) -> int:
        if self._stopping:
            return 0
        if (free := self._free) <= 0:
            self._others_wait = self._behind = True
            return 0
        claimed: list[WorkflowExecution] = []
        self._others_wait, self._too_few = True, False  # unless we learn otherwise
        try:
            claimed = await database.run(claim, self.owner, free, self._last_user, self._hold)
            self._behind = self._too_few or len(claimed) == free
            for execution in claimed:
                self._last_user = execution.user_id
                self._begin(execution)
            self._let_go()
            self._others_wait = await database.run(some_wait)
        except Exception:
            self._let_go()
            log.exception("pump.claim_failed")
        return len(claimed)

    def _hold(self, wanted: int) -> int:
        """Hold so many places for what is about to be claimed, or as many as there are."""
        with self._reserving:
            self._held = max(min(wanted, self._free + self._held), 0)
            self._too_few = self._held < wanted
            return self._held

    def _let_go(self) -> None:
        with self._reserving:
            self._held = 0

    async def _turn(self) -> None:
        """Show that this loop turns, also while the database is away."""
        while True:
            self.beat_at = time.monotonic()
            await asyncio.sleep(min(settings.CHATTER_LEASE_S / 4, _BEAT_S))

    async def _beat(self) -> None:
        """Renew the leases; stop the runs that another process was asked to cancel."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(min(settings.CHATTER_LEASE_S / 4, _BEAT_S)):
                    await self._beat_now.wait()
            self._beat_now.clear()
            try:
                running = {run.execution.id: run.execution.attempt for run in self._runs.values()}
                asked, lost = await database.run(renew, self.owner, running)
                self._stop_runs(asked, lost, running)
            except Exception:
                log.exception("pump.renewal_failed")

    def _stop_runs(
        self, asked: Collection[UUID], lost: Collection[UUID], as_of: Mapping[UUID, int]
    ) -> None:
        """Cancel what was asked for; abandon what others took while this process stood still."""
        for execution_id in asked:
            self._cancel(execution_id)
        for execution_id in lost:
            run = self._runs.get(execution_id)
            if run is not None and run.execution.attempt == as_of[execution_id]:
                run.abandon()

    def _take(self, execution: WorkflowExecution) -> None:
        self._begin(execution)
        self.release()

    def _begin(self, execution: WorkflowExecution) -> None:
        run = Run(execution, self._writer, self._engine)
        if (before := self._runs.get(execution.id)) is not None:
            before.abandon()  # its lease ran out here, while the database was slow
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
