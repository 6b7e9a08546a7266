"""The disk of the database is full for a while."""

import asyncio
from contextlib import suppress
from pathlib import Path

from drills.fault import Fault
from drills.site import Site

_FULL_S = 6.0
_MIB = 512
_ZEROS = bytes(1 << 20)


async def _fill_the_disk(site: Site) -> None:
    ballast = site.disk / "ballast"
    try:
        until = asyncio.get_running_loop().time() + _FULL_S
        while asyncio.get_running_loop().time() < until:
            await asyncio.to_thread(_fill, ballast)  # also what was given back meanwhile
            await asyncio.sleep(0.2)
    finally:
        ballast.unlink()
    if site.postgres:  # it ends by itself where its log cannot be written
        await asyncio.to_thread(site.postgres.revive)


def _fill(ballast: Path) -> None:
    with ballast.open("ab", buffering=0) as file, suppress(OSError):
        while file.write(_ZEROS):
            pass


DISKS = (
    Fault(
        "full-disk",
        f"no space left on the disk of the database for {_FULL_S:g} s",
        _fill_the_disk,
        disk_mib=_MIB,
        loses=True,
        refuses=True,
    ),
)
