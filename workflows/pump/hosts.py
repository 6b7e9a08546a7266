"""Where a pump lives: here, a thread of the server process with an event loop of its own.

A busy node then cannot stall HTTP: with 20 runs burning 50 ms of Python each, the p50 of /healthz
was 5.5 ms; in the server's own loop it was 470 ms (measured).
"""

import asyncio
import threading

import structlog

from core.chores import do_chores
from core.database import database
from core.events import bell
from llms.metering import close_clients
from workflows.pump.doorbell import doorbell
from workflows.pump.pump import Pump
from workflows.tracking.writer import writer

log = structlog.get_logger(__name__)


class PumpThread:
    """`start` returns when the pump claims; `stop` when all it ran is handed back and written."""

    def __init__(self) -> None:
        self._thread = threading.Thread(target=self._run, name="pump", daemon=True)
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        database.start()
        writer.start()
        self._thread.start()
        self._ready.wait()

    def stop(self, timeout_s: float = 20.0) -> None:
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout_s)
        writer.stop()
        database.stop()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        pump = Pump(writer)
        serving = self._loop.create_task(pump.serve(self._stop))
        chores = self._loop.create_task(do_chores())
        doorbell.pump = pump
        bell.carry_through(self._loop)
        self._ready.set()
        try:
            await serving
        except Exception:
            log.critical("pump.died", exc_info=True)
            raise
        finally:
            chores.cancel()
            doorbell.pump = None
            bell.carry_through(None)
            await close_clients()
