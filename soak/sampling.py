"""What the kernel, PostgreSQL and Redis say of the site, every so often."""

import asyncio
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import linear_regression

import psycopg
import redis

from drills.site import Process, Site, descendants

EVERY_S = 15.0
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Sample:
    """`numbers` by what they are of, such as "web: MiB"; `executions` had ended by then."""

    at_s: float
    executions: int
    numbers: Mapping[str, float]


@dataclass(slots=True)
class Sampler:
    site: Site
    samples: list[Sample] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(EVERY_S)
            sample = await asyncio.to_thread(self._sample)
            self.samples.append(sample)
            told = ", ".join(f"{name} {value:.0f}" for name, value in sample.numbers.items())
            print(f"{sample.at_s:6.0f} s  {sample.executions:6} executions  {told}", flush=True)

    def _sample(self) -> Sample:
        numbers = {
            **_of_processes("web", self.site.webs),
            **_of_processes("worker", self.site.workers),
        }
        assert self.site.postgres is not None and self.site.redis is not None
        with psycopg.connect(self.site.postgres.url("chatter"), autocommit=True) as database:
            ended, connections = database.execute(_ASKED).fetchone() or (0, 0)
        with redis.Redis.from_url(self.site.redis.url) as client:
            clients = int(client.info("clients")["connected_clients"]) - 1
            memory = int(client.info("memory")["used_memory"]) / 2**20
        numbers |= {
            "PostgreSQL: connections": connections,
            "Redis: clients": clients,
            "Redis: MiB": memory,
        }
        return Sample(time.monotonic() - self._began, ended, numbers)


_ASKED = """
SELECT (SELECT count(*) FROM workflows_workflowexecution WHERE finished_at IS NOT NULL),
       (SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
          AND backend_type = 'client backend')
"""


def slope(samples: Sequence[Sample], name: str) -> float:
    """How much it grows in 1,000 executions: the line of least squares through the samples."""
    thousands = [sample.executions / 1000 for sample in samples]
    return linear_regression(thousands, [sample.numbers[name] for sample in samples]).slope


def _of_processes(kind: str, processes: Iterable[Process]) -> dict[str, float]:
    """With all that they started: memory (what they share counted in parts, files left out, which
    other programs share as well), descriptors, sockets.
    """
    memory, descriptors, sockets = 0.0, 0, 0
    pids = [pid for one in processes for pid in (one.pid, *descendants(one.pid))]
    for pid in pids:
        with suppress(OSError):  # it has just ended
            memory += _anonymous_mib(pid)
            open_ones = list(_open(pid))
            descriptors += len(open_ones)
            sockets += sum(one.startswith("socket:") for one in open_ones)
    return {
        f"{kind}: MiB": memory,
        f"{kind}: descriptors": descriptors,
        f"{kind}: sockets": sockets,
    }


def _anonymous_mib(pid: int) -> float:
    for line in (_PROC / str(pid) / "smaps_rollup").read_text().splitlines():
        if line.startswith("Pss_Anon:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _open(pid: int) -> Iterator[str]:
    for one in (_PROC / str(pid) / "fd").iterdir():
        with suppress(OSError):
            yield os.readlink(one)
