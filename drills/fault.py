"""What a fault is: something that is done to a site under load, and what may come of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from drills.site import PROFILES, Process, Site

if TYPE_CHECKING:
    from drills.verdict import Left

Act = Callable[[Site], Awaitable[None]]
PRODUCTION = ("production",)


def _nothing_more(site: Site, left: Left) -> Iterator[str]:
    return iter(())


@dataclass(frozen=True, slots=True)
class Fault:
    """`act` happens when all is under way, and ends when the site is whole again.

    `day` goes into every question, for the provider. `environment` is that of every process,
    `disk_mib` the size of a file system of its own for the database; `prepare` is called before
    anything is started, `also` tells what does not hold beside what never may.
    `loses`: calls may be lost in flight. `fails`: executions may fail, for the provider does.
    `refuses`: starts are to be refused. `one_clock`: the times of all processes can be compared.
    """

    name: str
    what: str
    act: Act
    day: str = ""
    profiles: tuple[str, ...] = PROFILES
    environment: Mapping[str, str] = field(default_factory=dict)
    disk_mib: int = 0
    prepare: Callable[[Site], None] = lambda site: None
    also: Callable[[Site, Left], Iterator[str]] = _nothing_more
    loses: bool = False
    fails: bool = False
    refuses: bool = False
    one_clock: bool = True


async def nothing(site: Site) -> None:
    await asyncio.sleep(0)


async def kill(process: Process) -> None:
    await asyncio.to_thread(process.kill)


async def start(site: Site, process: Process) -> None:
    """Return when it answers, if it is one that does."""
    process.start()
    if process.url:
        await asyncio.to_thread(site.until_answers, process)
