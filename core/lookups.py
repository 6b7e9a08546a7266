"""Names of hosts are looked up in threads of their own.

A name server that does not answer holds a thread for half a minute. Event loops have few threads,
and every branch of a graph takes one: a few such names would stop all runs of a process.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]

_MOST_AT_ONCE = 256  # what 64 couriers leave behind that go on to the next message after 10 s
_threads = ThreadPoolExecutor(_MOST_AT_ONCE, thread_name_prefix="lookup")


async def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, as the system knows them. Raises OSError, UnicodeError."""
    ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(_threads, ask)
    return list(dict.fromkeys(str(one[4][0]) for one in found))
