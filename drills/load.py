"""Two hundred executions under way, and people who watch some of them."""

import asyncio
import json
import random
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import httpx2
import websockets
from websockets.exceptions import WebSocketException

from drills.site import Site
from tests.drills.listening import log_of, with_token

MODEL = "openai:gpt-test"
PERSON = "alice"
EXECUTIONS = 200
WATCHED_EACH = 5  # every fifth is watched
_NODES = [
    {"id": "start", "type": "start"},
    {"id": "first", "type": "model", "config": {"model": MODEL}},
    {"id": "pause", "type": "delay", "config": {"seconds": 2}},
    {"id": "text", "type": "prompt", "config": {"template": "Again: {{ nodes.first.text }}"}},
    {"id": "second", "type": "model", "config": {"model": MODEL}},
    {"id": "end", "type": "end"},
]
_IDS = [str(node["id"]) for node in _NODES]
_EDGES = [{"source": one, "target": other} for one, other in pairwise(_IDS)]
_GRAPH = {"nodes": _NODES, "edges": _EDGES}
_RETRY_S = 0.2


def furnish(site: Site) -> None:
    """A person with a token, and the workflow that is run."""
    site.furnish(
        people=[PERSON],
        profile_parameters={MODEL: {}},
        prices={MODEL: {"input": 1_000_000_000, "output": 2_000_000_000}},
        graphs={"Two questions": _GRAPH},
    )


def message(number: int, day: str = "") -> str:
    """What execution `number` is asked; the provider answers it the same each time."""
    chance = random.Random(number)
    words, pace = chance.randint(4, 12), chance.choice((50, 150, 300))
    return f"number {number} {day} [[words={words}]] [[delay_ms={pace}]]"


@dataclass(slots=True)
class Watcher:
    """Follows one execution over a socket, on whichever server answers, until its end."""

    site: Site
    execution: str
    events: list[dict[str, Any]] = field(default_factory=list)
    cuts: int = 0

    async def watch(self) -> None:
        while True:
            web = random.choice(self.site.webs)
            with suppress(OSError, WebSocketException, TimeoutError):
                if await self._heard_the_end(web.url.replace("http", "ws", 1)):
                    return
            self.cuts += 1
            await asyncio.sleep(_RETRY_S)

    async def _heard_the_end(self, url: str) -> bool:
        address = f"{url}/ws/executions/{self.execution}/?after={len(self.events)}"
        options = with_token(self.site.people[PERSON])
        async with websockets.connect(
            address, max_queue=None, open_timeout=5, ping_interval=2, ping_timeout=4, **options
        ) as socket:
            async for text in socket:
                frame = json.loads(text)
                if frame["type"] == "end":
                    return True
                if frame["type"] == "error":
                    return False
                self.events.append(frame)
        return False


@dataclass(slots=True)
class Load:
    """`started` by number; `accepted` is set once all have been taken."""

    site: Site
    day: str = ""
    started: dict[int, str] = field(default_factory=dict)
    watchers: list[Watcher] = field(default_factory=list)
    under_way: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Start everything and watch it to its end."""
        async with asyncio.TaskGroup() as group:
            room = asyncio.Semaphore(16)

            async def begin(number: int) -> None:
                async with room:
                    execution = await self._started(number)
                if number % WATCHED_EACH == 0:
                    watcher = Watcher(self.site, execution)
                    self.watchers.append(watcher)
                    group.create_task(watcher.watch())
                if len(self.started) == EXECUTIONS:
                    self.under_way.set()

            for number in range(EXECUTIONS):
                group.create_task(begin(number))

    async def _started(self, number: int) -> str:
        """Start it, again and again under one key, on whichever server answers."""
        definition = self.site.made["definitions"]["Two questions"]
        body = {"input": {"message": message(number, self.day)}, "mode": "background"}
        headers = {**self.site.people[PERSON].headers, "Idempotency-Key": f"number-{number}"}
        while True:
            web = random.choice(self.site.webs)
            with suppress(httpx2.TransportError):
                async with httpx2.AsyncClient(base_url=web.url, headers=headers) as client:
                    told = await client.post(
                        f"/api/v1/definitions/{definition}/execute/", json=body, timeout=15
                    )
                if told.status_code == 202:
                    self.started[number] = told.json()["execution"]["id"]
                    return self.started[number]
                if told.status_code < 500 and told.status_code not in (409, 429):
                    raise RuntimeError(f"{told.status_code}: {told.text[:500]}")
            await asyncio.sleep(_RETRY_S)


async def logs_of(site: Site, executions: list[str]) -> dict[str, list[dict[str, Any]]]:
    """The whole log of each, as the API gives it."""
    headers = site.people[PERSON].headers
    async with httpx2.AsyncClient(base_url=site.webs[0].url, headers=headers) as client:
        return {one: await log_of(client, one) for one in executions}
