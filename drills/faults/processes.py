"""Processes that are killed, stand still, or are stopped in order."""

import asyncio
import os
import random
import signal
from contextlib import suppress

from drills.fault import PRODUCTION, Fault, kill, start
from drills.site import LEASE_S, Process, Site, descendants

_REPLACED_S = 20.0


async def _kill_a_pump(site: Site) -> None:
    """Alone: whoever guards it lives."""
    if site.postgres:
        os.kill(_pumps(site)[0], signal.SIGKILL)
    else:
        await kill(site.webs[0])
        await start(site, site.webs[0])


async def _kill_a_worker(site: Site) -> None:
    await kill(site.workers[0])
    await asyncio.sleep(1)
    await start(site, site.workers[0])


async def _kill_all_workers(site: Site) -> None:
    await asyncio.gather(*map(kill, site.workers))
    await asyncio.sleep(1)
    for worker in site.workers:
        await start(site, worker)


async def _kill_one_for_good(site: Site) -> None:
    """Nobody starts it again: the others take over what it ran."""
    await kill(site.workers[0])


async def _kill_the_guards(site: Site) -> None:
    """Those who look for what has died. What hangs by them ends by itself."""
    for worker in site.workers:
        await asyncio.to_thread(worker.kill_alone)
    await asyncio.sleep(1)
    for worker in site.workers:
        await start(site, worker)


async def _kill_the_schedulers(site: Site) -> None:
    """The clusters that fire what is due, with all their processes. The guards replace them."""
    pumps = set(_pumps(site))
    before = {worker.pid: worker.children() for worker in site.workers}
    for child in [child for children in before.values() for child in children]:
        family = [child, *descendants(child)]
        if not pumps & set(family):
            for pid in family:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
    async with asyncio.timeout(_REPLACED_S):
        while not all(_replaced(worker, before[worker.pid]) for worker in site.workers):
            await asyncio.sleep(0.1)


async def _kill_a_web_server(site: Site) -> None:
    await kill(site.webs[0])
    await asyncio.sleep(1)
    await start(site, site.webs[0])


async def _freeze_a_pump(site: Site) -> None:
    """A paused machine comes back when its lease is long over."""
    site.pumps[0].freeze()
    await asyncio.sleep(LEASE_S * 2)
    site.pumps[0].thaw()


async def _kill_at_random(site: Site) -> None:
    """Six times, whichever it hits."""
    chance = random.Random(7)
    for _ in range(6):
        process = chance.choice([*site.webs, *site.workers])
        await kill(process)
        await start(site, process)
        await asyncio.sleep(chance.random())


async def _roll(site: Site) -> None:
    """Every process is stopped in order and started again, one after the other."""
    for process in [*site.workers, *site.webs]:
        await asyncio.to_thread(process.stop)
        await start(site, process)


def _pumps(site: Site) -> list[int]:
    """The processes that run executions, among all that a worker is made of."""
    assert site.postgres
    rows = site.postgres.rows("SELECT pid FROM workflows_pumphost WHERE claiming ORDER BY id")
    return [pid for (pid,) in rows]


def _replaced(worker: Process, before: list[int]) -> bool:
    now = worker.children()
    return len(now) == len(before) and now != before


_MACHINE = "`kill -9` of all processes of a worker"
PROCESSES = (
    Fault("kill-pump", "`kill -9` of one process that runs executions", _kill_a_pump, loses=True),
    Fault("kill-worker", _MACHINE, _kill_a_worker, profiles=PRODUCTION, loses=True),
    Fault(
        "kill-all-workers",
        "`kill -9` of all processes of every worker at once",
        _kill_all_workers,
        "",
        PRODUCTION,
        loses=True,
    ),
    Fault(
        "kill-for-good",
        f"{_MACHINE}, which never comes back",
        _kill_one_for_good,
        profiles=PRODUCTION,
        loses=True,
    ),
    Fault(
        "kill-guards",
        "`kill -9` of the processes that guard pumps and clean up after dead ones, on every worker",
        _kill_the_guards,
        profiles=PRODUCTION,
        loses=True,
    ),
    Fault(
        "kill-schedulers",
        "`kill -9` of all processes that fire what is due from the queue",
        _kill_the_schedulers,
        profiles=PRODUCTION,
    ),
    Fault("kill-web", "`kill -9` of a web server", _kill_a_web_server, profiles=PRODUCTION),
    Fault(
        "freeze-pump",
        f"SIGSTOP for {LEASE_S * 2:g} s, twice as long as a lease, then SIGCONT",
        _freeze_a_pump,
        loses=True,
    ),
    Fault(
        "kill-at-random",
        "`kill -9` of a server or worker chosen at random, six times",
        _kill_at_random,
        loses=True,
    ),
    Fault("roll", "every process stopped with SIGTERM and started again, one by one", _roll),
)
