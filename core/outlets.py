"""How much may be sent to one client at a time: an outlet says when the client takes no more.

Servers differ: with some, ASGI's `send` waits for a slow client; daphne's never does. So a server
may offer an outlet of its own, in the scope's extensions; `QueuedOutlet` serves for all others.
"""

import asyncio
import struct
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any, Protocol

EXTENSION = "chatter.outlet"
_QUEUE = 64
_CHARACTERS = 256 * 1024
_ONE_BYTE, _TWO_BYTES = 126, 1 << 16  # lengths from which a frame's header is longer


class Room:
    """Roughly how much is held for one client: at most so many texts, and at most 256 KiB."""

    def __init__(self, texts: int) -> None:
        self._texts, self._characters = texts, _CHARACTERS

    def take(self, text: str) -> None:
        self._texts -= 1
        self._characters -= len(text)

    @property
    def full(self) -> bool:
        return self._texts <= 0 or self._characters <= 0


class Parcel:
    """Messages that go out together; made once, sent to any number of clients."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts

    @cached_property
    def framed(self) -> bytes:
        """As frames of the websocket protocol (RFC 6455, 5.2), which servers do not mask."""
        return b"".join(_framed(text.encode()) for text in self.texts)


def _framed(payload: bytes) -> bytes:
    length = len(payload)
    if length < _ONE_BYTE:
        return struct.pack("!BB", 0x81, length) + payload
    if length < _TWO_BYTES:
        return struct.pack("!BBH", 0x81, 126, length) + payload
    return struct.pack("!BBQ", 0x81, 127, length) + payload


class Outlet(Protocol):
    """The way to one client."""

    @property
    def ready(self) -> bool:
        """Whether the client keeps up; who writes all the same makes memory grow."""

    async def drained(self) -> None:
        """Return once it is ready, or gone."""

    async def close(self) -> None:
        """Return once all is handed over, or after some seconds; nothing is written after it."""


class SocketOutlet(Outlet, Protocol):
    """The way to the client of a websocket."""

    def write(self, parcel: Parcel) -> None:
        """Send, in order, without waiting; to nobody once the client is gone."""


class QueuedOutlet:
    """For servers whose `send` waits: a queue in front of it."""

    def __init__(self, send: Callable[[str], Awaitable[None]]) -> None:
        self._send = send
        self._texts: deque[str] = deque()
        self._room = Room(_QUEUE)
        self._written = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()
        self._closed = False
        self._task = asyncio.get_running_loop().create_task(self._send_all())

    @property
    def ready(self) -> bool:
        return not self._room.full

    async def drained(self) -> None:
        await self._drained.wait()

    def write(self, parcel: Parcel) -> None:
        if self._task.done():  # the client is gone
            return
        for text in parcel.texts:
            self._texts.append(text)
            self._room.take(text)
        self._written.set()
        if not self.ready:
            self._drained.clear()

    async def close(self) -> None:
        self._closed = True
        self._written.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(2):
                await asyncio.wait([self._task])
        self._task.cancel()

    async def _send_all(self) -> None:
        try:
            while not self._closed or self._texts:
                await self._written.wait()
                self._written.clear()
                while self._texts:
                    await self._send(self._texts.popleft())
                self._room = Room(_QUEUE)
                self._drained.set()
        finally:
            self._drained.set()


class AlwaysReady:
    """For streams of servers that wait by themselves."""

    ready = True

    async def drained(self) -> None:
        return

    async def close(self) -> None:
        return


def stream_outlet(scope: Mapping[str, Any]) -> Outlet:
    """For the body of an HTTP response, which is written as ever: only to be asked."""
    offered: Callable[[], Outlet] | None = (scope.get("extensions") or {}).get(EXTENSION)
    return offered() if offered else AlwaysReady()


def socket_outlet(scope: Mapping[str, Any], send: Callable[[str], Awaitable[None]]) -> SocketOutlet:
    """For a websocket that was accepted."""
    offered: Callable[[], SocketOutlet] | None = (scope.get("extensions") or {}).get(EXTENSION)
    return offered() if offered else QueuedOutlet(send)
