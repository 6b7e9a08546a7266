"""Where a pump lives: a thread with an event loop of its own, of the server or of a worker.

A busy node then cannot stall HTTP: with 20 runs burning 50 ms of Python each, the p50 of /healthz
was 5.5 ms; in the server's own loop it was 470 ms (measured).
"""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import structlog
from django.conf import settings

from core.chores import do_chores
from core.database import database
from core.events import Listener, bell
from llms.metering import close_clients
from workflows.pump.doorbell import CANCELS, WORK, doorbell
from workflows.pump.presence import beat, leave
from workflows.pump.pump import Pump
from workflows.tracking.writer import writer

log = structlog.get_logger(__name__)
_SELDOM_S = 60.0  # cancels are looked for with every beat of the leases, too
_MARGIN_S = 10.0  # for what a stop takes beside the steps it waits for


@contextmanager
def database_at_work() -> Iterator[None]:
    """The threads of this process that read and write."""
    database.start()
    writer.start()
    try:
        yield
    finally:
        writer.stop()
        database.stop()


class PumpThread:
    """`start` returns when the pump claims; `stop` when all it ran is handed back.

    Needs the database at work. `cluster` names the processes it lives among.
    """

    def __init__(self, cluster: str = "") -> None:
        self._thread = threading.Thread(target=self._run, name="pump", daemon=True)
        self._ready = threading.Event()
        self._cluster = cluster
        self._speaking = threading.Lock()  # one word at a time, and none after the last
        self._left = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self.pump = Pump(writer)

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        if self._loop is not None and self._stop is not None:
            with suppress(RuntimeError):  # it died, and its loop is closed
                self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(settings.CHATTER_STOP_S + _MARGIN_S)

    def retire(self) -> None:
        """Claim nothing any more, and say so; what runs goes on."""
        self.pump.retire()
        self._beat()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        finally:
            self._ready.set()  # nobody waits for a thread that has died

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        serving = self._loop.create_task(self.pump.serve(self._stop))
        beside = [
            self._loop.create_task(one)
            for one in (
                do_chores(),
                self._go_on_beating(),
                _hear(WORK, self.pump.wake, settings.CHATTER_POLL_S),
                _hear(CANCELS, self.pump.look_for_cancels, _SELDOM_S),
            )
        ]
        for task in beside:
            task.add_done_callback(_say_if_it_failed)
        doorbell.pump = self.pump
        bell.carry_through(self._loop)
        self._ready.set()
        try:
            await serving
        except Exception:
            log.critical("pump.died", exc_info=True)
            raise
        finally:
            for task in beside:
                task.cancel()
            doorbell.pump = None
            doorbell.ring_elsewhere()
            await self._leave()
            await close_clients()
            bell.carry_through(None)

    async def _leave(self) -> None:
        try:
            await database.run(self._say_goodbye)
        except Exception:  # it is taken for dead soon
            log.warning("pump.not_heard", exc_info=True)

    async def _go_on_beating(self) -> None:
        while True:
            try:
                await database.run(self._beat)
            except Exception:
                log.warning("pump.not_heard", exc_info=True)
            await asyncio.sleep(settings.CHATTER_LEASE_S / 4)

    def _beat(self) -> None:
        pump = self.pump
        with self._speaking:
            if not self._left:
                beat(pump.owner, self._cluster, claiming=pump.claiming, running=pump.running)

    def _say_goodbye(self) -> None:
        with self._speaking:
            self._left = True
            leave(self.pump.owner)


def _say_if_it_failed(task: asyncio.Task[None]) -> None:
    """The pump goes on without it, but nobody is to wonder why."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.critical("pump.incomplete", exc_info=error)


async def _hear(group: str, then: Callable[[], None], every_s: float) -> None:
    """Do it whenever another process rings, and every so often for what was not heard."""
    with Listener(bell, group) as ear:
        while True:
            await ear.wait(every_s)
            then()
