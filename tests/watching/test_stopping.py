"""Against a server process that is told to stop: nobody who watches or waits is just cut off."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import websockets
from asgiref.sync import async_to_sync
from websockets.exceptions import ConnectionClosed

from tests.drills.listening import PATIENCE_S, begin, browser, with_token
from tests.drills.server import Chatter, chatter

pytestmark = pytest.mark.slow

LONG = {"message": "say 60 words slowly"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Chatter]:
    with chatter(tmp_path, LIVE_RECHECK_S="3600") as running:
        running.furnish(people=["alice"])
        running.start()
        yield running


async def _under_way(client: httpx2.AsyncClient) -> str:
    """The execution that somebody waits for, once it runs."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            runs = (await client.get("/api/v1/executions/?status=running")).json()["results"]
            if runs:
                return str(runs[0]["id"])
            await asyncio.sleep(0.05)


def test_who_watches_is_told(server: Chatter) -> None:
    alice = server.people["alice"]

    async def scenario() -> None:
        socket = await websockets.connect(f"{server.ws_url}/ws/v1/", **with_token(alice))
        await socket.send(json.dumps({"type": "ping"}))
        assert json.loads(await socket.recv())["type"] == "pong"
        async with browser(server, alice) as client:
            run = await begin(client, **LONG)
            address = f"/api/v1/executions/{run['id']}/events/"
            events = {"Accept": "text/event-stream"}
            async with client.stream("GET", address, headers=events) as streamed:
                lines = streamed.aiter_lines()
                await anext(lines)
                await asyncio.to_thread(server.stop)
                assert [line async for line in lines if line][-1] == 'data: {"type":"going"}'
        assert json.loads(await socket.recv()) == {"type": "going"}
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4503

    async_to_sync(scenario)()


def test_who_waits_is_told_what_was_begun_and_has_the_answer_of_whoever_takes_it_up(
    server: Chatter,
) -> None:
    async def scenario() -> None:
        async with browser(server, server.people["alice"]) as client:

            async def say() -> Any:
                headers = {"Idempotency-Key": "once"}
                return await client.post("/api/v1/chat/", json=LONG, headers=headers)

            waiting = asyncio.create_task(say())
            run = await _under_way(client)
            await asyncio.to_thread(server.stop)
            told = await waiting
            assert told.status_code == 202, told.text
            assert told.json()["execution"]["id"] == run
            assert told.json()["execution"]["status"] in ("pending", "running")
            await asyncio.to_thread(server.start)
            told = await say()
            assert told.status_code == 201, told.text
            assert told.json()["execution"]["id"] == run
            assert len(told.json()["message"]["text"].split()) == 60

    async_to_sync(scenario)()
