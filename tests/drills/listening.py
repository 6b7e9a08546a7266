"""A client that watches executions as real ones do: over a websocket, or as server-sent events."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any

import httpx2
import websockets
from websockets.exceptions import ConnectionClosed

from tests.drills.server import Chatter, Person

PATIENCE_S = 40.0


@dataclass(frozen=True, slots=True)
class Heard:
    """The frames of one socket, and the code it was closed with."""

    frames: list[dict[str, Any]]
    close_code: int | None

    @property
    def events(self) -> list[dict[str, Any]]:
        return [frame for frame in self.frames if "seq" in frame and frame["type"] != "end"]


def with_token(person: Person) -> dict[str, Any]:
    """The options of a socket that comes with a token."""
    return {"subprotocols": ["chatter.v1", f"token.{person.token}"]}


def with_session(server: Chatter, person: Person, origin: str = "") -> dict[str, Any]:
    """The options of a socket as a browser opens it; `origin` is the page that does."""
    return {
        "origin": origin or server.url,
        "additional_headers": {"Cookie": f"sessionid={person.session}"},
    }


async def listen(
    server: Chatter,
    execution: str,
    options: Mapping[str, Any],
    after: object = None,
    cut_after: int | None = None,
) -> Heard:
    """Take frames until the server closes, or cut the connection once so many have come."""
    query = "" if after is None else f"?after={after}"
    return await listen_at(server, f"/ws/executions/{execution}/{query}", options, cut_after)


async def listen_at(
    server: Chatter, path: str, options: Mapping[str, Any], cut_after: int | None = None
) -> Heard:
    frames: list[dict[str, Any]] = []
    async with asyncio.timeout(PATIENCE_S):
        socket = await websockets.connect(
            server.ws_url + path, max_queue=None, open_timeout=PATIENCE_S, **options
        )
        try:
            while cut_after is None or len(frames) < cut_after:
                frames.append(json.loads(await socket.recv()))
        except ConnectionClosed:
            await socket.wait_closed()
            return Heard(frames, socket.close_code)
        socket.transport.abort()
        with suppress(ConnectionClosed):
            await socket.wait_closed()
    return Heard(frames, None)


@dataclass(frozen=True, slots=True)
class Sent:
    """One server-sent event."""

    id: str
    event: str
    data: dict[str, Any]


async def read_stream(
    client: httpx2.AsyncClient,
    address: str,
    *,
    last_event_id: int | None = None,
    cut_after: int | None = None,
) -> list[Sent]:
    """Take server-sent events until the stream ends, or leave once so many have come."""
    headers = {"Accept": "text/event-stream"}
    if last_event_id is not None:
        headers["Last-Event-ID"] = str(last_event_id)
    taken: list[Sent] = []
    if cut_after == 0:
        return taken
    async with asyncio.timeout(PATIENCE_S), client.stream("GET", address, headers=headers) as told:
        told.raise_for_status()
        assert told.headers["content-type"].startswith("text/event-stream")
        async for one in _parsed(told.aiter_lines()):
            taken.append(one)
            if cut_after is not None and len(taken) >= cut_after:
                break
    return taken


async def _parsed(lines: AsyncIterator[str]) -> AsyncIterator[Sent]:
    fields: dict[str, str] = {}
    async for line in lines:
        if line:
            name, _, value = line.partition(":")
            fields[name] = fields.get(name, "") + value.removeprefix(" ")
        elif fields:
            yield Sent(fields.get("id", ""), fields.get("event", ""), json.loads(fields["data"]))
            fields = {}


@asynccontextmanager
async def browser(server: Chatter, person: Person) -> AsyncIterator[httpx2.AsyncClient]:
    """An HTTP client of this person."""
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=50)
    async with httpx2.AsyncClient(
        base_url=server.url, headers=person.headers, timeout=PATIENCE_S, limits=limits
    ) as client:
        yield client


async def begin(client: httpx2.AsyncClient, message: str, **body: Any) -> dict[str, Any]:
    """Say something, to be answered behind; gives the execution."""
    told = await client.post(
        "/api/v1/chat/", json={"message": message, "mode": "background", **body}
    )
    assert told.status_code == 202, told.text
    return dict(told.json()["execution"])


async def log_of(client: httpx2.AsyncClient, execution: str) -> list[dict[str, Any]]:
    """The whole log, page by page, once the execution is over."""
    events: list[dict[str, Any]] = []
    async with asyncio.timeout(PATIENCE_S):
        while True:
            address = f"/api/v1/executions/{execution}/events/?after={len(events)}"
            page = (await client.get(address)).json()
            events += page["results"]
            if page["terminal"] and len(events) == page["last_seq"]:
                return events
            await asyncio.sleep(0.1)


def head(events: list[Any], count: int) -> list[Any]:
    return list(islice(events, count))
