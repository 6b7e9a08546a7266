"""What a second worker adds: throughput with one and with two, in turns."""

import asyncio
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from statistics import median

from bench.client import load
from bench.cluster import Cluster, cluster
from bench.requests import Request
from bench.rows import Row
from bench.site import Site

GOAL = 1.7
_PLACES = 4  # executions that one worker runs at a time
_CLIENTS = 3 * _PLACES


@dataclass(slots=True)
class Work:
    """`one` and `two`: executions a second with so many workers, round by round.

    `more_calls` of models, beyond the first, has each of them.
    """

    what: str
    request: Request
    more_calls: int = 0
    one: list[float] = field(default_factory=list)
    two: list[float] = field(default_factory=list)


def rows(site: Site, rounds: int, seconds: float) -> Iterator[Row]:
    works = [
        Work(
            f"two workers, {_PLACES} slow answers at a time each",
            site.chat("wait", site.patient, message="say 50 words"),
        ),
        Work("two workers, bound by the processor", site.chat("wait", site.busy), more_calls=3),
    ]
    places = {"CHATTER_PUMP_CONCURRENCY": str(_PLACES)}
    with cluster(site.environment, **places) as joined, joined.worker():
        for at in range(2 * rounds):
            second = at % 2 == 1
            with joined.worker() if second else nullcontext():
                for work in works:
                    (work.two if second else work.one).append(_per_s(site, joined, work, seconds))
    site.check()
    for work in works:
        yield Row(
            work.what,
            site.label,
            f"{median(work.two):.1f}/s",
            f"{median(work.one):.1f}/s",
            median(two / one for two, one in zip(work.two, work.one, strict=True)),
            "×",
            GOAL,
            at_least=True,
        )


def _per_s(site: Site, joined: Cluster, work: Work, seconds: float) -> float:
    """After a second's warm-up, for the caches of a worker that has just begun."""
    for until_s in (1, seconds):
        window = site.did(asyncio.run(load(joined.web.port, work.request, _CLIENTS, until_s)))
        site.more_calls += window.runs * work.more_calls
    return window.per_s
