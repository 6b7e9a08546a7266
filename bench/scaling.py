"""What a second worker adds: throughput with one and with two, in turns.

All that runs shares the machine's cores. How many of them are busy with one worker says how much a
second can add at all.
"""

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
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

    `more_calls` of models, beyond the first, has each of them. `cores` were busy with one worker.
    """

    what: str
    request: Request
    more_calls: int = 0
    one: list[float] = field(default_factory=list)
    two: list[float] = field(default_factory=list)
    cores: list[float] = field(default_factory=list)


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
        for _ in range(rounds):
            for work in works:
                with _busy(work.cores):
                    work.one.append(_per_s(site, joined, work, seconds))
            with joined.worker():
                for work in works:
                    work.two.append(_per_s(site, joined, work, seconds))
    site.check()
    for work in works:
        yield Row(
            work.what,
            site.label,
            f"{median(work.two):.1f}/s",
            f"{median(work.one):.1f}/s, {median(work.cores):.2f} of {os.cpu_count()} cores",
            median(two / one for two, one in zip(work.two, work.one, strict=True)),
            "×",
            GOAL,
            at_least=True,
        )


def _per_s(site: Site, joined: Cluster, work: Work, seconds: float) -> float:
    """After the first of each client: those of a worker that has just begun are slower."""
    window = site.did(asyncio.run(load(joined.web.port, work.request, _CLIENTS, seconds)))
    site.more_calls += window.runs * work.more_calls
    return window.later_per_s(_CLIENTS)


@contextmanager
def _busy(cores: list[float]) -> Iterator[None]:
    """Note how many cores the whole machine kept busy meanwhile."""
    began, before = time.perf_counter(), _busy_s()
    yield
    cores.append((_busy_s() - before) / (time.perf_counter() - began))


def _busy_s() -> float:
    user, nice, system, _idle, _waits, irq, softirq, *_ = map(
        int, Path("/proc/stat").read_text().split(maxsplit=11)[1:11]
    )
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")
