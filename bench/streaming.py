"""How many events a core records and streams: each is committed, and comes over a websocket."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median

from bench.client import Connection
from bench.processes import Server
from bench.requests import Request, Void
from bench.rows import Row
from bench.site import Site
from bench.watch import watching

FEW, MANY = 20, 100
WORDS, PACED_WORDS = 2_000, 100
GOAL_PER_S = 10_000.0


@dataclass(slots=True)
class Streamed:
    """What came in one round, and the processor time it cost the server."""

    runs: int = 0
    events: int = 0
    words: int = 0
    seconds: float = 0.0
    cpu_s: float = 0.0


@dataclass(slots=True)
class Kind:
    """One kind of execution, so many at once, and what each round of it came to."""

    what: str
    request: Request
    at_once: int
    words: int = 0
    rounds: list[Streamed] = field(default_factory=list)


def rows(site: Site, rounds: int, seconds: float) -> Iterator[Row]:
    """The kinds take turns; the first round is a warm-up."""
    line = Kind("lines of 100 nodes", site.of_line(), FEW)
    answer = Kind(
        f"answers of {WORDS:,} words at once",
        site.chat("background", message=f"say {WORDS} words"),
        FEW,
        WORDS,
    )
    paced = Kind(
        f"{MANY} answers of 50 words a second",
        site.chat("background", site.patient, message=f"say {PACED_WORDS} words"),
        MANY,
        PACED_WORDS,
    )
    with site.serving() as server:
        for _ in range(rounds + 1):
            for kind in (line, answer, paced):
                kind.rounds.append(asyncio.run(_streamed(site, server, kind, seconds)))
    site.check()
    for kind in (line, paced):
        yield _row(f"events/s of a core, {kind.what}", site, kind, "events")
    for kind in (answer, paced):
        yield _row(f"words/s of a core, {kind.what}", site, kind, "words")


def _row(what: str, site: Site, kind: Kind, unit: str) -> Row:
    rounds = kind.rounds[1:]
    of_core = median(getattr(one, unit) / one.cpu_s for one in rounds)
    per_s = median(getattr(one, unit) / one.seconds for one in rounds)
    shown = f"{of_core:,.0f} ({per_s:,.0f} in a second)"
    return Row(what, site.label, shown, "", of_core, "/s", GOAL_PER_S, at_least=True)


async def _streamed(site: Site, server: Server, kind: Kind, seconds: float) -> Streamed:
    """So many under way at once, for a while; each is followed to its last event. Raises Void."""
    total = Streamed()
    async with watching(site, server.port) as watch:
        connections = [await Connection.open(server.port) for _ in range(kind.at_once)]
        began, cpu = time.perf_counter(), server.cpu_s()

        async def client(connection: Connection) -> None:
            while time.perf_counter() < began + seconds:
                followed = await watch.run(connection, kind.request)
                if followed.words != kind.words:
                    raise Void("Not every word came over the websocket.")
                total.runs += 1
                total.events += followed.events
                total.words += followed.words

        try:
            await asyncio.gather(*map(client, connections))
            total.seconds, total.cpu_s = time.perf_counter() - began, server.cpu_s() - cpu
        finally:
            for connection in connections:
                connection.close()
    if kind.words:
        site.runs += total.runs
    else:
        site.silent += total.runs
    return total
