"""A client that follows all its executions over one websocket, and sees that nothing is lacking."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect

from bench.client import Connection, asked
from bench.requests import Request, Void
from bench.site import Site

_WITHIN_S = 60.0


@dataclass(slots=True)
class Followed:
    """One execution as the websocket told it; times are of the system's clock, in seconds.

    `created_s` is what its first event says of itself, which is before its commit; `came_s` is when
    the first event of each type came.
    """

    events: int = 0
    words: int = 0
    created_s: float = 0.0
    came_s: dict[str, float] = field(default_factory=dict)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, event: dict[str, Any], now_s: float) -> None:
        """Raises Void at a gap, and at any end but the right one."""
        self.events += 1
        if event["seq"] != self.events:
            raise Void(f"Event {event['seq']} came as number {self.events}.")
        if self.events == 1:
            self.created_s = datetime.fromisoformat(event["at"]).timestamp()
        self.came_s.setdefault(event["type"], now_s)
        if event["type"] == "text.delta":
            self.words += len(event["data"]["text"].split())
        elif event["type"] == "execution.completed":
            self.over.set()
        elif event["type"] in ("execution.failed", "execution.cancelled"):
            raise Void(f"An execution ended otherwise: {event}")


class Watch:
    """What one user's socket is told."""

    def __init__(self, socket: ClientConnection) -> None:
        self._followed: dict[str, Followed] = {}
        self.listening = asyncio.create_task(self._listen(socket))

    async def run(self, connection: Connection, request: Request) -> Followed:
        """Start an execution in the background and follow it to its end. Raises Void."""
        answer = await asked(connection, request)
        execution = orjson.loads(answer.body)["execution"]["id"]
        followed = self._of(execution)
        over = asyncio.ensure_future(followed.over.wait())
        waited = {over, self.listening}
        await asyncio.wait(waited, timeout=_WITHIN_S, return_when=asyncio.FIRST_COMPLETED)
        if not over.done():
            over.cancel()
            if self.listening.done():
                self.listening.result()
            raise Void("The websocket did not tell how an execution ended.")
        return self._followed.pop(execution)

    async def _listen(self, socket: ClientConnection) -> None:
        async for text in socket:
            told = orjson.loads(text)
            if told["type"] == "event":
                event = told["event"]
                self._of(event["execution"]).take(event, time.time())
        raise Void("The server closed the websocket.")

    def _of(self, execution: str) -> Followed:
        return self._followed.setdefault(execution, Followed())


@asynccontextmanager
async def watching(site: Site, port: int) -> AsyncIterator[Watch]:
    protocols: Any = ["chatter.v1", f"token.{site.token}"]
    address = f"ws://127.0.0.1:{port}/ws/v1/"
    async with connect(address, subprotocols=protocols, compression=None, max_size=None) as socket:
        await socket.send('{"type":"subscribe","channel":"user"}')
        if '"subscribed"' not in str(await socket.recv()):
            raise Void("The websocket refused the subscription.")
        watch = Watch(socket)
        try:
            yield watch
        finally:
            watch.listening.cancel()
