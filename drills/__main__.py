"""`python -m drills`: break things under load, look at what is left, write docs/drills.md."""

import argparse
import asyncio
import logging
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

import httpx2

from drills import report
from drills.faults import CALM, FAULTS, Fault
from drills.load import PERSON, Load, furnish
from drills.services import Missing
from drills.site import PROFILES, Site
from drills.verdict import Left, left_by, wrong

_OVER_WITHIN_S = 30.0  # of the end of a fault, nothing else stands still longer
_AT_MOST_S = 240.0


@dataclass(frozen=True, slots=True)
class Drilled:
    """`recovered_s`: how long after the fault the last execution was over."""

    fault: Fault
    profile: str
    problems: list[str]
    executions: int
    taken_up: int
    lost: int
    cuts: int
    recovered_s: float


def main() -> None:
    arguments = _arguments()
    logging.getLogger("websockets").setLevel(logging.CRITICAL)  # sockets are cut all the time
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is stopped
    drilled: list[Drilled] = []
    for profile in [arguments.profile] if arguments.profile else PROFILES:
        try:
            for one in _drills(profile, arguments.only):
                print(report.line(one), flush=True)
                drilled.append(one)
        except Missing as missing:
            print(f"{profile}: {missing} is not on this machine")
    if not arguments.only and not arguments.profile:
        report.write(drilled)
    sys.exit(any(one.problems for one in drilled))


def _drills(profile: str, only: list[str] | None) -> Iterator[Drilled]:
    calm: Left | None = None
    for fault in FAULTS:
        if profile not in fault.profiles or (only and fault.name not in [*only, CALM]):
            continue
        done, left = drill(fault, profile, calm)
        calm = calm or left
        yield done


def drill(fault: Fault, profile: str, calm: Left | None) -> tuple[Drilled, Left]:
    """One fault on a fresh site; `calm` is what a run without one left, None for that run."""
    home = Path(mkdtemp(prefix="chatter-drill-"))
    home.chmod(0o711)  # the postgres user has to pass
    try:
        with Site(home / "site", profile) as site:
            furnish(site)
            site.start_all()
            load = Load(site, fault.day)
            took = asyncio.run(_under_fault(site, fault, load))
            left = left_by(site, load)
            problems = list(wrong(site, fault, load, left, calm or left))
    finally:
        shutil.rmtree(home, ignore_errors=True)
    cuts = sum(watcher.cuts for watcher in load.watchers)
    counts = (len(left.executions), left.taken_up, left.lost, cuts)
    return Drilled(fault, profile, problems, *counts, took), left


async def _under_fault(site: Site, fault: Fault, load: Load) -> float:
    """Seconds from the end of the fault until everything was over."""
    running = asyncio.create_task(load.run())
    async with asyncio.timeout(_AT_MOST_S):
        await asyncio.wait(
            {running, asyncio.create_task(load.under_way.wait())},
            return_when=asyncio.FIRST_COMPLETED,
        )
        await fault.act(site)
        began = time.monotonic()
        await _everything_over(site)
        took = time.monotonic() - began
        await running
    return took


async def _everything_over(site: Site) -> None:
    """Poll until nothing is under way. Raises TimeoutError when nothing moves for 30 s."""
    before, moved_at = -1, time.monotonic()
    headers = site.people[PERSON].headers
    while True:
        left = 0
        async with httpx2.AsyncClient(
            base_url=site.webs[-1].url, headers=headers, timeout=20
        ) as client:
            try:
                for status in ("pending", "running", "waiting"):
                    page = await client.get(f"/api/v1/executions/?status={status}&page_size=200")
                    left += len(page.raise_for_status().json()["results"])
            except httpx2.HTTPError:
                left = -1
        if left == 0:
            return
        if left != before:
            before, moved_at = left, time.monotonic()
        elif time.monotonic() - moved_at > _OVER_WITHIN_S:
            raise TimeoutError(f"{left} executions stand still.")
        await asyncio.sleep(0.3)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="drills", description=__doc__)
    parser.add_argument("--profile", choices=PROFILES, help="only this one")
    names = [fault.name for fault in FAULTS]
    parser.add_argument("--only", action="append", choices=names, help="this, beside the calm one")
    return parser.parse_args()


if __name__ == "__main__":
    main()
