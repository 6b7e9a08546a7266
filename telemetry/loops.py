"""How late event loops are: a sleep that was due and what it took longer."""

import asyncio
from weakref import WeakKeyDictionary

from core.chores import chore
from core.shared_task import shared_task
from telemetry import tallies
from telemetry.instruments import LOOP_LAG

_NAP_S = 0.05
_EVERY_S = 1.0
_watched: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Task[None]] = WeakKeyDictionary()


@chore(every_s=_EVERY_S)
async def measure_the_pump() -> None:
    if tallies.wanted():
        await _measure("pump")


def keep_measuring_the_server() -> None:
    """From the first time that somebody asks for metrics."""
    loop = asyncio.get_running_loop()
    if loop not in _watched:
        _watched[loop] = shared_task(_go_on())


async def _go_on() -> None:
    while True:
        await _measure("server")
        await asyncio.sleep(_EVERY_S)


async def _measure(name: str) -> None:
    loop = asyncio.get_running_loop()
    due = loop.time() + _NAP_S
    await asyncio.sleep(_NAP_S)
    LOOP_LAG.labels(name).observe(max(loop.time() - due, 0.0))
