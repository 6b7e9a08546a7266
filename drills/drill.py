"""One drill: a fresh site, two hundred executions under way, a fault, and what is left."""

import asyncio
import shutil
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp

import httpx2

from drills.fault import Fault
from drills.load import EXECUTIONS, PERSON, Load, furnish
from drills.site import Site
from drills.verdict import Left, Wrong, left_by, wrong

_OVER_WITHIN_S = 30.0  # of the end of a fault, nothing else stands still longer
_AT_MOST_S = 240.0


@dataclass(frozen=True, slots=True)
class Drilled:
    """`recovered_s`: how long after the fault the last execution was over; `took_s`: all of it.

    `under_way`: how many were when the fault came. `missing`: what is not on this machine, so
    that it was not run.
    """

    fault: Fault
    profile: str
    problems: list[Wrong] = field(default_factory=list)
    refusals: Counter[tuple[int, str]] = field(default_factory=Counter)
    under_way: int = 0
    executions: int = 0
    taken_up: int = 0
    lost: int = 0
    reconnected: int = 0
    recovered_s: float = 0.0
    took_s: float = 0.0
    missing: str = ""


def drill(fault: Fault, profile: str, calm: Left | None) -> tuple[Drilled, Left]:
    """One fault on a fresh site; `calm` is what a run without one left, None for that run."""
    began = time.monotonic()
    home = Path(mkdtemp(prefix="chatter-drill-"))
    home.chmod(0o711)  # the postgres user has to pass
    try:
        with Site(home / "site", profile, fault.environment, fault.disk_mib) as site:
            furnish(site)
            fault.prepare(site)
            site.start_all()
            load = Load(site, fault.day)
            course = asyncio.run(_run(site, fault, load))
            left = left_by(site, load)
            problems = [*course.problems, *wrong(site, fault, load, left, calm or left)]
    finally:
        shutil.rmtree(home, ignore_errors=True)
    done = Drilled(
        fault,
        profile,
        problems,
        load.refusals,
        under_way=course.under_way,
        executions=len(left.executions),
        taken_up=left.taken_up,
        lost=left.lost,
        reconnected=sum(watcher.sockets > 1 for watcher in load.watchers),
        recovered_s=course.recovered_s,
        took_s=time.monotonic() - began,
    )
    return done, left


@dataclass(slots=True)
class _Course:
    """How it went: what was under way when the fault came, and what stood still in the end."""

    under_way: int = 0
    recovered_s: float = 0.0
    problems: list[Wrong] = field(default_factory=list)


async def _run(site: Site, fault: Fault, load: Load) -> _Course:
    running, course = asyncio.create_task(load.run()), _Course()
    headers = site.people[PERSON].headers
    try:
        async with (
            asyncio.timeout(_AT_MOST_S),
            httpx2.AsyncClient(base_url=site.webs[-1].url, headers=headers, timeout=20) as client,
        ):
            await load.under_way.wait()
            while _asked(site) < EXECUTIONS // 2:
                await asyncio.sleep(0.05)
            course.under_way = await _under_way(client)
            load.fault_comes.set()
            await fault.act(site)
            began = time.monotonic()
            await load.taken.wait()
            await _everything_over(client)
            course.recovered_s = time.monotonic() - began
            await running
    except TimeoutError as error:
        course.problems.append(Wrong("over", str(error) or f"not within {_AT_MOST_S:g} s"))
    except httpx2.HTTPError as error:
        course.problems.append(Wrong("also", repr(error)))
    finally:
        running.cancel()
    return course


def _asked(site: Site) -> int:
    """How many calls have reached the provider: an execution that was only claimed loses none."""
    return site.meter.read_text().count('"state": "received"')


async def _everything_over(client: httpx2.AsyncClient) -> None:
    """Poll until nothing is under way. Raises TimeoutError when nothing moves for 30 s."""
    before, moved_at = -1, time.monotonic()
    while left := await _under_way(client):
        if left != before:
            before, moved_at = left, time.monotonic()
        elif time.monotonic() - moved_at > _OVER_WITHIN_S:
            raise TimeoutError(f"{left} executions stand still")
        await asyncio.sleep(0.3)


async def _under_way(client: httpx2.AsyncClient) -> int:
    """How many executions are; -1 when nobody tells."""
    left = 0
    try:
        for status in ("pending", "running", "waiting"):
            page = await client.get(f"/api/v1/executions/?status={status}&page_size=200")
            left += len(page.raise_for_status().json()["results"])
    except httpx2.HTTPError:
        return -1
    return left
