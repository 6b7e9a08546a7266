"""What is done to a site while two hundred executions are under way. A fault ends whole again."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from drills.site import LEASE_S, PROFILES, Process, Site

Act = Callable[[Site], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Fault:
    """`day` goes into every question, for the provider; `act` happens when all is under way.

    `loses`: calls may be lost in flight. `fails`: executions may fail, for the provider does.
    """

    name: str
    what: str
    act: Act
    day: str = ""
    profiles: tuple[str, ...] = PROFILES
    loses: bool = False
    fails: bool = False


async def _nothing(site: Site) -> None:
    await asyncio.sleep(0)


async def _kill_one_pump(site: Site) -> None:
    await _killed(site.pumps[0])
    await _started(site, site.pumps[0])


async def _kill_all_pumps(site: Site) -> None:
    await asyncio.gather(*map(_killed, site.pumps))
    await asyncio.sleep(1)
    for pump in site.pumps:
        await _started(site, pump)


async def _kill_one_for_good(site: Site) -> None:
    """Nobody starts it again: the others take over what it ran."""
    await _killed(site.workers[0])


async def _kill_a_web_server(site: Site) -> None:
    await _killed(site.webs[0])
    await asyncio.sleep(1)
    await _started(site, site.webs[0])


async def _freeze_a_pump(site: Site) -> None:
    """A paused machine comes back when its lease is long over."""
    site.pumps[0].freeze()
    await asyncio.sleep(LEASE_S * 2)
    site.pumps[0].thaw()


async def _roll(site: Site) -> None:
    """Every process is stopped in order and started again, one after the other."""
    for process in [*site.workers, *site.webs]:
        await asyncio.to_thread(process.stop)
        await _started(site, process)


async def _flush_redis(site: Site) -> None:
    if site.redis:
        for _ in range(5):
            await asyncio.to_thread(site.redis.flush)
            await asyncio.sleep(0.3)


async def _restart_redis(site: Site) -> None:
    if site.redis:
        await asyncio.to_thread(site.redis.stop)
        await asyncio.sleep(3)
        await asyncio.to_thread(site.redis.start)


async def _restart_postgres(site: Site) -> None:
    if site.postgres:
        await asyncio.to_thread(site.postgres.stop)
        await asyncio.sleep(1)
        await asyncio.to_thread(site.postgres.start)


async def _kill_postgres(site: Site) -> None:
    if site.postgres:
        await asyncio.to_thread(site.postgres.kill)
        await asyncio.sleep(1)
        await asyncio.to_thread(site.postgres.start)


async def _kill_at_random(site: Site) -> None:
    """Six times, whichever it hits."""
    chance = random.Random(7)
    for _ in range(6):
        process = chance.choice([*site.webs, *site.workers])
        await _killed(process)
        await _started(site, process)
        await asyncio.sleep(chance.random())


CALM = "calm"
FAULTS = (
    Fault(CALM, "nothing: what the others are compared with", _nothing),
    Fault("kill-pump", "`kill -9` of one process that runs executions", _kill_one_pump, loses=True),
    Fault("kill-all-pumps", "`kill -9` of all of them at once", _kill_all_pumps, loses=True),
    Fault(
        "kill-for-good",
        "`kill -9` of one worker that never comes back",
        _kill_one_for_good,
        profiles=("production",),
        loses=True,
    ),
    Fault("kill-web", "`kill -9` of a web server", _kill_a_web_server, profiles=("production",)),
    Fault(
        "freeze-pump",
        f"SIGSTOP for {LEASE_S * 2:g} s, twice as long as a lease, then SIGCONT",
        _freeze_a_pump,
        loses=True,
    ),
    Fault(
        "kill-at-random", "`kill -9`, six times, of whatever it hits", _kill_at_random, loses=True
    ),
    Fault("roll", "every process stopped with SIGTERM and started again, in turns", _roll),
    Fault("flush-redis", "FLUSHALL, five times", _flush_redis, profiles=("production",)),
    Fault("restart-redis", "Redis away for 3 s", _restart_redis, profiles=("production",)),
    Fault(
        "restart-postgres",
        "PostgreSQL stopped, away for a second, started",
        _restart_postgres,
        profiles=("production",),
        loses=True,
    ),
    Fault(
        "kill-postgres",
        "PostgreSQL stopped without warning, as by a power cut, and recovered",
        _kill_postgres,
        profiles=("production",),
        loses=True,
    ),
    Fault(
        "provider-down",
        "the provider answers 500 or refuses, the first two times",
        _nothing,
        day="[[fault=500 times=2]]",
        fails=True,
    ),
    Fault("provider-slow", "no word for 3 s", _nothing, day="[[fault=slow first_ms=3000]]"),
    Fault(
        "provider-cuts",
        "the provider cuts each stream after two words, the first time",
        _nothing,
        day="[[fault=cut after=2 times=1]]",
        fails=True,
        loses=True,
    ),
)


async def _killed(process: Process) -> None:
    await asyncio.to_thread(process.kill)


async def _started(site: Site, process: Process) -> None:
    process.start()
    if process.url:
        await asyncio.to_thread(site.until_answers, process)
