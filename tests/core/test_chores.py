"""What comes round is done again and again, whatever went wrong the time before."""

import asyncio
from collections.abc import Callable
from typing import Any

from asgiref.sync import async_to_sync

from core.chores import chore, do_chores

done: list[str] = []


@chore(every_s=0.001)
async def water_the_plants() -> None:
    done.append("plants")
    if len(done) == 2:
        raise RuntimeError("The can is empty.")


@chore(every_s=3600)
async def empty_the_attic() -> None:
    done.append("attic")


async def at_work(until: Callable[[], bool]) -> None:
    """Do all chores until something is so."""
    chores = asyncio.create_task(do_chores())
    async with asyncio.timeout(5):
        while not until():  # noqa: ASYNC110 - a list sets no event
            await asyncio.sleep(0.001)
    chores.cancel()
    await asyncio.gather(chores, return_exceptions=True)


def test_a_chore_that_failed_is_done_again(settings: Any) -> None:
    settings.CHATTER_CHORES = [f"{__name__}.water_the_plants"]
    done.clear()
    async_to_sync(at_work)(lambda: len(done) >= 4)


def test_what_comes_seldom_is_done_by_those_who_do_not_live_so_long(settings: Any) -> None:
    settings.CHATTER_CHORES = [f"{__name__}.empty_the_attic"]
    done.clear()
    async_to_sync(at_work)(lambda: bool(done))
    assert done == ["attic"]
