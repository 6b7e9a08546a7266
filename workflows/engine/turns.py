"""Steps take turns, so that those that reckon long do not keep everybody else waiting.

An expression runs to its end, in up to a tenth of a second, and hundreds may be ready at once, in a
line or side by side. Without a pause between them no other run goes on meanwhile, and the lease of
the process runs out.
"""

import asyncio
import time
from uuid import UUID
from weakref import WeakKeyDictionary

LONG_S = 0.01
# Of each loop, when the first step of this pass began, and whose it was.
_passes: WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[float, UUID]] = WeakKeyDictionary()


async def take_turn(run: UUID) -> None:
    """Go on at once, or in a later pass of the loop if steps have taken long in this one.

    The run that began this pass then leaves the others some time, for a step is many passes.
    """
    loop = asyncio.get_running_loop()
    while _is_long(first := _passes.get(loop)):  # noqa: ASYNC110 - time passes, nothing happens
        await asyncio.sleep(LONG_S if first and first[1] == run else 0)
    if first is None:
        _passes[loop] = time.perf_counter(), run
        loop.call_soon(_passes.pop, loop, None)


def _is_long(first: tuple[float, UUID] | None) -> bool:
    return first is not None and time.perf_counter() - first[0] > LONG_S
