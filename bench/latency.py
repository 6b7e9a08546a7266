"""How long one client waits: for the whole answer, and for the first event on its socket."""

import asyncio
import json
import time
from collections.abc import Iterator
from statistics import median

from websockets.asyncio.client import ClientConnection, connect

from bench.client import Connection, asked
from bench.requests import raw
from bench.rows import Row
from bench.site import Site

WALL_GOAL_MS = {"sqlite": 1.5, "postgres": 3.5}
FIRST_EVENT_GOAL_MS = 3.0
_WARM_UP = 20


def rows(site: Site, *, runs: int) -> Iterator[Row]:
    """One client, one request at a time; partner and subject take turns, request by request."""
    with site.serving() as server, site.partner_serving() as plain:
        ours, theirs = asyncio.run(_alone(site, server.port, plain.port, runs))
        yield Row(
            "added wall time, 1 client, wait",
            site.label,
            _shown(ours),
            _shown(theirs),
            median(ours) - median(theirs),
            " ms",
            WALL_GOAL_MS[site.database],
        )
        events, chunks = asyncio.run(_first_events(site, server.port, plain.port, runs // 2))
        yield Row(
            "first event, on an open socket",
            site.label,
            _shown(events),
            _shown(chunks),
            median(events),
            " ms",
            FIRST_EVENT_GOAL_MS,
        )
    site.check()


def _shown(times_ms: list[float]) -> str:
    ordered = sorted(times_ms)
    best, worst = ordered[len(ordered) // 10], ordered[len(ordered) * 9 // 10]
    return f"{median(ordered):.2f} ms ({best:.2f}–{worst:.2f})"


async def _alone(
    site: Site, port: int, plain_port: int, runs: int
) -> tuple[list[float], list[float]]:
    connection, plain = await Connection.open(port), await Connection.open(plain_port)
    subject, partner = site.chat("wait"), site.partner()
    ours, theirs = [], []
    for _ in range(_WARM_UP + runs):
        theirs.append((await asked(plain, partner)).seconds * 1000)
        ours.append((await asked(connection, subject)).seconds * 1000)
        site.runs += 1
    connection.close()
    plain.close()
    return ours[_WARM_UP:], theirs[_WARM_UP:]


async def _first_events(
    site: Site, port: int, plain_port: int, runs: int
) -> tuple[list[float], list[float]]:
    """From sending a chat into an open conversation to the first frame of its execution."""
    connection, plain = await Connection.open(port), await Connection.open(plain_port)
    made = await connection.exchange(raw("POST", "/api/v1/conversations/", site.token, {}))
    conversation = json.loads(made.body)["id"]
    subject, partner = site.chat("background", conversation=conversation), site.partner()
    events, chunks = [], []
    async with connect(
        f"ws://127.0.0.1:{port}/ws/conversations/{conversation}/",
        subprotocols=["chatter.v1", f"token.{site.token}"],
    ) as socket:
        await socket.recv()  # what the conversation is like now
        for _ in range(_WARM_UP + runs):
            chunks.append((await asked(plain, partner)).first_s * 1000)
            began = time.perf_counter()
            reply = asyncio.create_task(asked(connection, subject))
            events.append(await _first_frame(socket, began))
            await reply
            site.runs += 1
    connection.close()
    plain.close()
    return events[_WARM_UP:], chunks[_WARM_UP:]


async def _first_frame(socket: ClientConnection, began: float) -> float:
    """Milliseconds to the first frame; reads on to the last one of the same execution."""
    await socket.recv()
    took_ms = (time.perf_counter() - began) * 1000
    while "execution.completed" not in str(await socket.recv()):
        pass
    return took_ms
