"""A steady load, far below what the machine can do, and watchers that come and go."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field

import httpx2

from drills.load import PERSON, Watcher, message
from drills.site import Site
from tests.drills.listening import read_stream

PER_S = 10
WATCHED_EACH = 5  # every fifth is watched over a socket, and every fifth as a stream
_LEAVES_AFTER_S = 1.5  # half of the watchers do
_PATIENCE_S = 60.0


@dataclass(slots=True)
class Load:
    """`wrong` counts, by what it was, all that did not go well."""

    site: Site
    started: int = 0
    late_s: float = 0.0
    wrong: Counter[str] = field(default_factory=Counter)

    async def run(self, seconds: float) -> None:
        """Start executions at their times for so long, then wait for those who watch."""
        headers = self.site.people[PERSON].headers
        clients = [
            httpx2.AsyncClient(base_url=web.url, headers=headers, timeout=_PATIENCE_S)
            for web in self.site.webs
        ]
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number in range(round(seconds * PER_S)):
                late_s = time.monotonic() - began - number / PER_S
                self.late_s = max(self.late_s, late_s)
                await asyncio.sleep(max(-late_s, 0))
                group.create_task(self._one(clients[number % len(clients)], number))
        for client in clients:
            await client.aclose()

    async def _one(self, client: httpx2.AsyncClient, number: int) -> None:
        try:
            execution = await self._begun(client, number)
            leaves = number % (2 * WATCHED_EACH) < WATCHED_EACH
            async with asyncio.timeout(_LEAVES_AFTER_S if leaves else _PATIENCE_S) as patience:
                if number % WATCHED_EACH == 0:
                    await Watcher(self.site, execution).watch()
                elif number % WATCHED_EACH == 1:
                    await read_stream(client, f"/api/v1/executions/{execution}/events/")
        except TimeoutError:
            if not (leaves and patience.expired()):
                self.wrong["a watcher saw no end"] += 1
        except (httpx2.HTTPError, AssertionError) as error:
            self.wrong[f"{type(error).__name__}: {error}"[:100]] += 1

    async def _begun(self, client: httpx2.AsyncClient, number: int) -> str:
        definition = self.site.made["definitions"]["Two questions"]
        told = await client.post(
            f"/api/v1/definitions/{definition}/execute/",
            json={"input": {"message": message(number)}, "mode": "background"},
            headers={"Idempotency-Key": f"number-{number}"},
        )
        told.raise_for_status()
        self.started += 1
        return str(told.json()["execution"]["id"])
