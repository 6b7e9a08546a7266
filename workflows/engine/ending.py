"""A graph that is cancelled ends with all its nodes, however often it is cancelled."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def to_its_end(graph: Coroutine[Any, Any, T]) -> T:
    """Await a graph. If the caller is cancelled, the graph is, once, and is waited for to its end.

    LangGraph cancels what is under way beside an error twice in a row. The second time comes while
    a graph within waits for its own nodes, and these would go on by themselves after the run.
    """
    task = asyncio.create_task(graph)
    stopped: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            if stopped is None:
                task.cancel()
            stopped = stopped or error
    if stopped is not None:
        if not task.cancelled():
            task.exception()  # else asyncio complains that nobody asked for it
        raise stopped
    return task.result()
