"""A task that is begun for whoever comes first and goes on for all."""

import asyncio
from collections.abc import Coroutine
from contextvars import Context


def shared_task(work: Coroutine[None, None, None]) -> asyncio.Task[None]:
    """Begin it in this loop, without the context of who begins it (request id, actor): it may
    outlive them, and what it does is not theirs.
    """
    return asyncio.get_running_loop().create_task(work, context=Context())
