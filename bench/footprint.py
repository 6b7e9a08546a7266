"""What a server takes before it does anything: time to start, and memory."""

import asyncio
from collections.abc import Iterator
from contextlib import AbstractContextManager
from statistics import median

from bench.client import Connection, asked
from bench.processes import Server, serving
from bench.rows import Row
from bench.site import Site

START_GOAL_S = 2.5
MEMORY_GOAL_MIB = 130


def rows(site: Site, *, starts: int) -> Iterator[Row]:
    """Chatter as it is shipped, without the partner's route."""
    ours_s, theirs_s, idle, bare, talked = [], [], [], [], []
    for _ in range(starts):
        with _bare() as server:
            theirs_s.append(server.started_s)
            bare.append(server.pss_mib())
        with site.serving("chatter_project.settings") as server:
            ours_s.append(server.started_s)
            idle.append(server.pss_mib())
            asyncio.run(_talk(site, server.port))
            talked.append(server.pss_mib())
    yield Row(
        "process start to the first 200",
        site.label,
        f"{median(ours_s):.2f} s (best {min(ours_s):.2f})",
        f"{median(theirs_s):.2f} s (best {min(theirs_s):.2f})",
        median(ours_s),
        " s",
        START_GOAL_S,
    )
    for what, found in (("idle memory, after start", idle), ("idle memory, after a chat", talked)):
        yield Row(
            what,
            site.label,
            f"{median(found):.0f} MiB",
            f"{median(bare):.0f} MiB",
            median(found),
            " MiB",
            MEMORY_GOAL_MIB,
        )
    site.check()


def _bare() -> AbstractContextManager[Server]:
    return serving("-m", "bench.bare_server", "PORT")


async def _talk(site: Site, port: int) -> None:
    connection = await Connection.open(port)
    await asked(connection, site.chat("wait"))
    site.runs += 1
    connection.close()
