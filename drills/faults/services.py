"""Redis and PostgreSQL go away, forget everything, and come back."""

import asyncio

from drills.fault import PRODUCTION, Fault
from drills.site import Site


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


SERVICES = (
    Fault(
        "flush-redis",
        "FLUSHALL of Redis, five times: queue, locks and hints are lost",
        _flush_redis,
        profiles=PRODUCTION,
    ),
    Fault(
        "restart-redis",
        "Redis down for 3 s, and empty afterwards: no hint reaches anybody",
        _restart_redis,
        profiles=PRODUCTION,
    ),
    Fault(
        "restart-postgres",
        "PostgreSQL stopped, down for a second, and started again",
        _restart_postgres,
        profiles=PRODUCTION,
        loses=True,
    ),
    Fault(
        "kill-postgres",
        "PostgreSQL killed without warning, as by a power cut, and recovered",
        _kill_postgres,
        profiles=PRODUCTION,
        loses=True,
    ),
)
