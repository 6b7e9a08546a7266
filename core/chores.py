"""Work that comes round: done every so often by each process that hosts a pump.

Any number of processes do the same chore at the same time, so a chore claims what it works on.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from django.conf import settings
from django.utils.module_loading import import_string

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Chore:
    """`work` is awaited at once and every `every_s` seconds, in the pump's event loop, never twice
    at the same time. A pump of a worker may not live so long, and what comes seldom is done, too.
    """

    work: Callable[[], Awaitable[object]]
    every_s: float

    async def go_on(self) -> None:
        """Do it until cancelled; what goes wrong is logged, and tried again the next time."""
        while True:
            try:
                await self.work()
            except Exception:
                log.exception("chore.failed", chore=self.work.__qualname__)
            await asyncio.sleep(self.every_s)


def chore(every_s: float) -> Callable[[Callable[[], Awaitable[object]]], Chore]:
    """Make a function a chore, to be named in `CHATTER_CHORES`."""
    return lambda work: Chore(work, every_s)


async def do_chores() -> None:
    """All that settings name, until cancelled."""
    named: list[Chore] = [import_string(path) for path in settings.CHATTER_CHORES]
    async with asyncio.TaskGroup() as group:
        for one in named:
            group.create_task(one.go_on(), name=f"chore {one.work.__qualname__}")
