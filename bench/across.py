"""How long a start waits for its first event when a web server takes it and a worker runs it."""

import asyncio
from collections.abc import Iterator
from statistics import median, quantiles

from bench.client import Connection
from bench.cluster import Cluster, cluster
from bench.rows import Row
from bench.site import Site
from bench.watch import watching

GOAL_MS = 50.0
_WARM_UP = 20
_APART_S = 0.03  # a low load: one at a time, and a pause


def rows(site: Site, *, runs: int) -> Iterator[Row]:
    with cluster(site.environment) as joined, joined.worker():
        took = asyncio.run(_first_events(site, joined, runs))
    site.check()
    yield Row(
        "enqueue to first event across processes, p95",
        site.label,
        f"p50 {median(took):.1f} ms",
        "",
        quantiles(took, n=20)[18],
        " ms",
        GOAL_MS,
    )


async def _first_events(site: Site, joined: Cluster, runs: int) -> list[float]:
    """Milliseconds until the websocket told what the worker did first, of each execution."""
    took, request, port = [], site.chat("background"), joined.web.port
    connection = await Connection.open(port)
    async with watching(site, port) as watch:
        for _ in range(_WARM_UP + runs):
            followed = await watch.run(connection, request)
            site.runs += 1
            took.append((followed.came_s["execution.started"] - followed.created_s) * 1000)
            await asyncio.sleep(_APART_S)
    connection.close()
    return took[_WARM_UP:]
