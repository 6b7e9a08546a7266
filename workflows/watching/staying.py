"""Checks again who a watcher is: when the bell rings, and every few seconds."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from django.conf import settings

from accounts.changes import account_group
from accounts.known_users import known_users
from accounts.models import User
from accounts.passes import Pass
from core.events import Going, Listener, bell
from workflows.watching.patience import patiently

T = TypeVar("T")


async def stay(let_in_by: Pass, user: User, look: Callable[[User], Awaitable[None]]) -> None:
    """Look again and again, until somebody may not stay: raises what `holder` and `look` raise.

    Raises Going when the server stops, and after LIVE_MAX_S, so that no connection is for ever.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + settings.LIVE_MAX_S * random.uniform(0.9, 1.0)  # noqa: S311
    with Listener(bell, account_group(user.pk)) as listener:
        while (left_s := until - loop.time()) > 0:
            await listener.wait(min(settings.LIVE_RECHECK_S, left_s))
            if listener.hinted:
                known_users.clear()
            await look(await patiently(let_in_by.holder))
    raise Going


async def first_of(*things: Coroutine[Any, Any, T]) -> T:
    """What the first to end gives or raises; the others are cancelled."""
    tasks = [asyncio.ensure_future(thing) for thing in things]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return next(task for task in tasks if task in done).result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
