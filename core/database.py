"""Threads that keep their database connection, for the database steps of async code.

Django gives each request of its ASGI handler a thread of its own: on SQLite a new connection every
time (0.9 ms measured), on PostgreSQL a pooled one that is held until the response is closed, so
that ten waiting calls starve everything else.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import connection

from core.outage import AWAY

P = ParamSpec("P")
T = TypeVar("T")
_THREADS = 3


class DatabaseThreads:
    """Not started (tests, commands), steps run in the thread of the caller's own connection."""

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None

    def start(self) -> None:
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="database")

    def stop(self) -> None:
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function that uses the database; it keeps no transaction open."""
        if self._pool is None:
            return await sync_to_async(function)(*args, **kwargs)
        step = partial(_step, function, *args, **kwargs)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, copy_context().run, step)


def _step(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        return function(*args, **kwargs)
    except AWAY:
        connection.close()  # it may be dead; the next step opens another
        raise


database = DatabaseThreads()
