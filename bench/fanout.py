"""Many websockets that watch the same thing: deliveries a second, and how late they are."""

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import quantiles

from bench.client import Connection
from bench.processes import serving
from bench.requests import Void, raw
from bench.rows import Row
from bench.site import Site

CLIENTS = 500
PER_S = 20  # events; 10,000 deliveries
TIMES_GOAL = 5.0
LATE_GOAL_MS = 20.0
_WITHIN_S = 120.0
_STAMP = b'"t":'
_SUBSCRIBE = b'{"type":"subscribe","channel":"user"}'
_SUBSCRIBED = b'"subscribed"'


class Watcher(asyncio.Protocol):
    """Knows just enough of websockets to see each message, and the time it was sent at."""

    def __init__(self, request: bytes, tally: "Tally") -> None:
        self._request, self._tally = request, tally
        self._received = b""
        self.open: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.subscribed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self._request)

    def say(self, payload: bytes) -> None:
        """A client masks; with zeros, that changes nothing."""
        self.transport.write(bytes([0x81, 0x80 | len(payload), 0, 0, 0, 0]) + payload)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self.open.done():
            head, found, self._received = self._received.partition(b"\r\n\r\n")
            if not found:
                self._received = head
                return
            if b" 101 " not in head:
                raise Void(f"No websocket: {head[:200]!r}")
            self.open.set_result(None)
        self._take_frames(time.monotonic_ns())

    def _take_frames(self, now_ns: int) -> None:
        data, at = self._received, 0
        while len(data) - at >= 2:
            length, begins = data[at + 1], at + 2
            if length == 126:
                length, begins = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
            if len(data) < begins + length or len(data) < begins:
                break
            if not self.subscribed.is_set() and _SUBSCRIBED in data[begins : begins + length]:
                self.subscribed.set()
            stamp = data.find(_STAMP, begins, begins + length)
            if stamp >= 0:
                sent_ns = int(data[stamp + 4 : data.index(b",", stamp)])
                self._tally.count((now_ns - sent_ns) / 1e6)
            at = begins + length
        self._received = data[at:]


@dataclass
class Tally:
    wanted: int = 0
    late_ms: list[float] = field(default_factory=list)
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def expect(self, deliveries: int) -> None:
        self.wanted = deliveries
        self.late_ms.clear()
        self.done.clear()

    def count(self, late_ms: float) -> None:
        self.late_ms.append(late_ms)
        if len(self.late_ms) >= self.wanted:
            self.done.set()

    @property
    def p99(self) -> float:
        return quantiles(self.late_ms, n=100)[98]


class Crowd:
    """All clients of one address, and what they were told."""

    def __init__(self, site: Site, port: int, address: str) -> None:
        self.site, self._port, self._address = site, port, address
        self.tally = Tally()
        self._watchers: list[Watcher] = []

    async def gather(self) -> None:
        for _ in range(CLIENTS):
            _, watcher = await asyncio.get_running_loop().create_connection(
                lambda: Watcher(self._handshake(), self.tally), "127.0.0.1", self._port
            )
            await asyncio.wait_for(watcher.open, 30)
            self._watchers.append(watcher)
            if self._address == "/ws/v1/":
                watcher.say(_SUBSCRIBE)
                await asyncio.wait_for(watcher.subscribed.wait(), 30)
        await asyncio.sleep(2)

    def leave(self) -> None:
        for watcher in self._watchers:
            watcher.transport.abort()

    async def told(self, count: int, per_s: int) -> float:
        """Publish, and give the seconds until every client had every event. Raises Void."""
        self.tally.expect(count * CLIENTS)
        to = "hub" if self._address == "/ws/v1/" else "group"
        body = {"to": to, "count": count, "per_s": per_s}
        connection = await Connection.open(self._port)
        began = time.perf_counter()
        asking = asyncio.create_task(
            connection.exchange(raw("POST", "/bench/publish/", self.site.token, body))
        )
        try:
            async with asyncio.timeout(_WITHIN_S):
                await self.tally.done.wait()
                took = time.perf_counter() - began
                answer = await asking
        except TimeoutError as error:
            had = len(self.tally.late_ms)
            raise Void(f"{had} of {count * CLIENTS} deliveries arrived ({to}).") from error
        finally:
            connection.close()
        if json.loads(answer.body)["seconds"] > took + 1:
            raise Void("Events were told before they happened.")
        return took

    def _handshake(self) -> bytes:
        lines = [
            f"GET {self._address} HTTP/1.1",
            "Host: 127.0.0.1",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            f"Sec-WebSocket-Protocol: chatter.v1, token.{self.site.token}",
        ]
        return "\r\n".join([*lines, "", ""]).encode()


@dataclass(frozen=True, slots=True)
class Measured:
    per_s: float
    p99_ms: float


def rows(site: Site, *, events: int) -> Iterator[Row]:
    environment = {
        **site.environment,
        "DJANGO_SETTINGS_MODULE": "bench.fanout_settings",
        "CHATTER_PUMP": "workers",
        "CHATTER_POLL_S": "2",
    }
    with serving("-m", "bench.fanout_server", "PORT", environment=environment) as server:
        theirs = asyncio.run(_measured(site, server.port, "/ws/stock/", max(events // 10, 8)))
        ours = asyncio.run(_measured(site, server.port, "/ws/v1/", events))
    yield Row(
        f"deliveries/s, {CLIENTS} websockets",
        site.label,
        f"{ours.per_s:,.0f}",
        f"{theirs.per_s:,.0f}",
        ours.per_s / theirs.per_s,
        "×",
        TIMES_GOAL,
        at_least=True,
    )
    yield Row(
        f"p99 to the client at {CLIENTS * PER_S:,} deliveries/s",
        site.label,
        f"{ours.p99_ms:.1f} ms",
        f"{theirs.p99_ms:.1f} ms",
        ours.p99_ms,
        " ms",
        LATE_GOAL_MS,
    )


async def _measured(site: Site, port: int, address: str, events: int) -> Measured:
    """First a warm-up; then as fast as it goes, then at the pace of the goal."""
    crowd = Crowd(site, port, address)
    try:
        await crowd.gather()
        await crowd.told(3, PER_S)
        took = await crowd.told(events, 0)
        await crowd.told(events, PER_S)
        return Measured(events * CLIENTS / took, crowd.tally.p99)
    finally:
        crowd.leave()
