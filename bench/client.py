"""A client that costs little: kept-alive connections, one request at a time on each."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from bench.requests import Request, Void

_ANSWERED_WITHIN_S = 60.0
_LAST_CHUNK = b"\r\n0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """`first_s` is when the first byte of the body had come."""

    raw: bytes
    first_s: float
    seconds: float

    @property
    def status(self) -> int:
        return int(self.raw[9:12])

    @property
    def body(self) -> bytes:
        return self.raw.partition(b"\r\n\r\n")[2]


class Connection(asyncio.Protocol):
    """Knows just enough HTTP/1.1 to see where an answer ends."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport
        self._answered: asyncio.Future[None] | None = None
        self._clear()

    @classmethod
    async def open(cls, port: int) -> Self:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(cls, "127.0.0.1", port)
        return connection

    def close(self) -> None:
        self._transport.close()

    async def exchange(self, raw: bytes) -> Answer:
        self._clear()
        self._answered = asyncio.get_running_loop().create_future()
        began = time.perf_counter()
        self._transport.write(raw)
        await self._answered
        return Answer(bytes(self._received), self._first - began, time.perf_counter() - began)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(Void("The server closed a connection."))

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._whole() and self._answered is not None and not self._answered.done():
            self._answered.set_result(None)

    def _clear(self) -> None:
        self._received = bytearray()
        self._body = -1
        self._length = -1
        self._first = 0.0

    def _whole(self) -> bool:
        if self._body < 0 and not self._read_head():
            return False
        if not self._first and len(self._received) > self._body:
            self._first = time.perf_counter()
        if self._length >= 0:
            return len(self._received) >= self._body + self._length
        return self._received.endswith(_LAST_CHUNK)

    def _read_head(self) -> bool:
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return False
        self._body = end + 4
        head = bytes(self._received[:end]).lower()
        _, found, length = head.partition(b"content-length:")
        self._length = int(length.partition(b"\r\n")[0]) if found else -1
        return True


async def asked(connection: Connection, request: Request) -> Answer:
    """Send a request. Raises Void when the answer does not prove that the work was done."""
    answer = await connection.exchange(request.raw)
    if answer.status != request.status or request.proof not in answer.raw:
        raise Void(f"Not the answer that counts: {answer.raw[:600]!r}")
    return answer


@dataclass(frozen=True, slots=True)
class Window:
    """What one stretch of load came to. `ended` are the seconds after which answers came."""

    ended: Sequence[float]
    seconds: float

    @property
    def runs(self) -> int:
        return len(self.ended)

    @property
    def per_s(self) -> float:
        return self.runs / self.seconds

    def later_per_s(self, first: int) -> float:
        """Without so many answers that came first. Raises Void."""
        ended = sorted(self.ended)
        if len(ended) < 2 * first:
            raise Void(f"Only {len(ended)} answers came in {self.seconds:.0f} s.")
        return (len(ended) - first) / (ended[-1] - ended[first - 1])


async def load(port: int, request: Request, clients: int, seconds: float) -> Window:
    """Ask over and over with so many clients at once; every request begun is waited for."""
    connections = [await Connection.open(port) for _ in range(clients)]
    began = time.perf_counter()
    until = began + seconds

    ended: list[float] = []

    async def ask_on(connection: Connection) -> None:
        while time.perf_counter() < until:
            await asked(connection, request)
            ended.append(time.perf_counter() - began)

    try:
        async with asyncio.timeout(seconds + _ANSWERED_WITHIN_S):
            await asyncio.gather(*map(ask_on, connections))
    except TimeoutError as error:
        raise Void(f"Some of {clients} requests at once were never answered.") from error
    finally:
        for connection in connections:
            connection.close()
    return Window(ended, time.perf_counter() - began)
