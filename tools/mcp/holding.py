"""Something is held open by a task of its own, which closes it to the end.

The client library ends a process in several steps, each after a wait. Stopped between two of them,
it would then wait for a process that nobody ends any more.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Generic, TypeVar

import structlog

T = TypeVar("T")
_CLOSING_S = 10.0  # the library takes 4 s for a process that does not want to go
log = structlog.get_logger(__name__)


class Held(Generic[T]):
    """`thing` is there until the block ends or `holding` is done: then it broke."""

    def __init__(self, thing: T, holding: "asyncio.Task[None]") -> None:
        self.thing = thing
        self.holding = holding


@asynccontextmanager
async def held_open(opening: AbstractAsyncContextManager[T]) -> AsyncIterator[Held[T]]:
    """What `opening` opens. Raises what opening it raises; what closing it does is logged.

    Being stopped while it closes is told once it is closed.
    """
    opened: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    leaving = asyncio.Event()
    holding = asyncio.create_task(_hold(opening, opened, leaving))
    coming: set[asyncio.Future[Any]] = {opened, holding}
    try:
        await asyncio.wait(coming, return_when=asyncio.FIRST_COMPLETED)
        if not opened.done():
            await holding
        yield Held(await opened, holding)
    finally:
        leaving.set()
        if not opened.done():
            holding.cancel()
        await _closed(holding)


async def _hold(
    opening: AbstractAsyncContextManager[T], opened: "asyncio.Future[T]", leaving: asyncio.Event
) -> None:
    async with opening as thing:
        opened.set_result(thing)
        await leaving.wait()


async def _closed(holding: "asyncio.Task[None]") -> None:
    """Wait until it is closed, whoever stops us meanwhile. Raises CancelledError afterwards."""
    stopped = None
    loop = asyncio.get_running_loop()
    until = loop.time() + _CLOSING_S
    while not holding.done() and (left_s := until - loop.time()) > 0:
        try:
            await asyncio.wait({holding}, timeout=left_s)
        except asyncio.CancelledError as error:
            stopped = error
    if not holding.done():
        holding.cancel()
    elif not holding.cancelled() and (trouble := holding.exception()) is not None:
        log.info("mcp.closing_failed", exc_info=trouble)
    if stopped is not None:
        raise stopped
