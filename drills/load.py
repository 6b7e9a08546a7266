"""Two hundred executions under way, and people who watch some of them."""

import asyncio
import json
import random
from collections import Counter
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
WORKFLOW = "Two questions"
EXECUTIONS = 200
LATE = 20  # more are asked for while the fault is there
WATCHED_EACH = 5  # every fifth is watched
_NODES: list[dict[str, Any]] = [
    {"id": "start", "type": "start"},
    {"id": "first", "type": "model", "config": {"model": MODEL}},
    {"id": "pause", "type": "delay", "config": {"seconds": 4}},
    {"id": "text", "type": "prompt", "config": {"template": "Again: {{ nodes.first.text }}"}},
    {"id": "second", "type": "model", "config": {"model": MODEL}},
    {"id": "end", "type": "end"},
]
_IDS = [str(node["id"]) for node in _NODES]
_EDGES = [{"source": one, "target": other} for one, other in pairwise(_IDS)]
_GRAPH = {"nodes": _NODES, "edges": _EDGES}
_RETRY_S = 0.2
_LATE_S = 0.25


def furnish(site: Site) -> None:
    """A person with a token, and the workflow that is run."""
    site.furnish(
        people=[PERSON],
        profile_parameters={MODEL: {}},
        prices={MODEL: {"input": 1_000_000_000, "output": 2_000_000_000}},
        graphs={WORKFLOW: _GRAPH},
    )


def message(number: int, day: str = "") -> str:
    """What execution `number` is asked; the provider answers it the same each time."""
    chance = random.Random(number)
    words, pace = chance.randint(4, 12), chance.choice((50, 150, 300))
    return f"number {number} {day} [[words={words}]] [[delay_ms={pace}]]"


@dataclass(slots=True)
class Watcher:
    """Follows one execution over a socket, on whichever server answers, until its end.

    `sockets`: how many it took for that.
    """

    site: Site
    execution: str
    events: list[dict[str, Any]] = field(default_factory=list)
    sockets: int = 0

    async def watch(self) -> None:
        while True:
            web = random.choice(self.site.webs)
            with suppress(OSError, WebSocketException, TimeoutError):
                if await self._heard_the_end(web.url.replace("http", "ws", 1)):
                    return
            await asyncio.sleep(_RETRY_S)

    async def _heard_the_end(self, url: str) -> bool:
        address = f"{url}/ws/executions/{self.execution}/?after={len(self.events)}"
        options = with_token(self.site.people[PERSON])
        async with websockets.connect(
            address, max_queue=None, open_timeout=5, ping_interval=2, ping_timeout=4, **options
        ) as socket:
            self.sockets += 1
            async for text in socket:
                frame = json.loads(text)
                if frame["type"] == "end":
                    return True
                if "seq" not in frame:  # it goes, or cannot
                    return False
                self.events.append(frame)
        return False


@dataclass(slots=True)
class Load:
    """`started` by number. `under_way` is set once all but the late ones have been taken, `taken`
    once all have; the late ones are asked for from `fault_comes` on, which is set by whoever brings
    the fault. `refusals` counts answers by status and code.
    """

    site: Site
    day: str = ""
    started: dict[int, str] = field(default_factory=dict)
    watchers: list[Watcher] = field(default_factory=list)
    under_way: asyncio.Event = field(default_factory=asyncio.Event)
    fault_comes: asyncio.Event = field(default_factory=asyncio.Event)
    taken: asyncio.Event = field(default_factory=asyncio.Event)
    refusals: Counter[tuple[int, str]] = field(default_factory=Counter)

    async def run(self) -> None:
        """Start everything and watch it to its end."""
        headers = self.site.people[PERSON].headers
        async with (
            httpx2.AsyncClient(headers=headers, timeout=15) as client,
            asyncio.TaskGroup() as watching,
        ):
            room = asyncio.Semaphore(16)

            async def begin(number: int) -> None:
                async with room:
                    execution = await self._started(client, number)
                if number % WATCHED_EACH == 0:
                    watcher = Watcher(self.site, execution)
                    self.watchers.append(watcher)
                    watching.create_task(watcher.watch())

            async with asyncio.TaskGroup() as starting:
                for number in range(EXECUTIONS):
                    starting.create_task(begin(number))
            self.under_way.set()
            await self.fault_comes.wait()
            async with asyncio.TaskGroup() as starting:
                for number in range(EXECUTIONS, EXECUTIONS + LATE):
                    starting.create_task(begin(number))
                    await asyncio.sleep(_LATE_S)
            self.taken.set()

    async def _started(self, client: httpx2.AsyncClient, number: int) -> str:
        """Start it, again and again under one key, on whichever server answers."""
        definition = self.site.made["definitions"][WORKFLOW]
        body = {"input": {"message": message(number, self.day)}, "mode": "background"}
        path = f"/api/v1/definitions/{definition}/execute/"
        key = {"Idempotency-Key": f"number-{number}"}
        while True:
            web = random.choice(self.site.webs)
            with suppress(httpx2.TransportError):
                told = await client.post(web.url + path, json=body, headers=key)
                if told.status_code == 202:
                    self.started[number] = told.json()["execution"]["id"]
                    return self.started[number]
                self.refusals[told.status_code, _code(told)] += 1
            await asyncio.sleep(_RETRY_S)


def _code(told: httpx2.Response) -> str:
    with suppress(ValueError, KeyError, TypeError):
        return str(told.json()["code"])
    return " ".join(told.text.split())[:80].replace("|", "/")


async def logs_of(site: Site, executions: list[str]) -> dict[str, list[dict[str, Any]]]:
    """The whole log of each, as the API gives it."""
    headers = site.people[PERSON].headers
    async with httpx2.AsyncClient(base_url=site.webs[0].url, headers=headers) as client:
        return {one: await log_of(client, one) for one in executions}
