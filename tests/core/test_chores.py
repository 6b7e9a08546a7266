"""What comes round is done again and again, whatever went wrong the time before."""

import asyncio
from typing import Any

from asgiref.sync import async_to_sync

from core.chores import chore, do_chores

done: list[str] = []


@chore(every_s=0.001)
async def water_the_plants() -> None:
    done.append("plants")
    if len(done) == 2:
        raise RuntimeError("The can is empty.")


def test_a_chore_that_failed_is_done_again(settings: Any) -> None:
    settings.CHATTER_CHORES = [f"{__name__}.water_the_plants"]

    async def scenario() -> None:
        chores = asyncio.create_task(do_chores())
        async with asyncio.timeout(5):
            while len(done) < 4:  # noqa: ASYNC110 - a list sets no event
                await asyncio.sleep(0.001)
        chores.cancel()
        await asyncio.gather(chores, return_exceptions=True)

    async_to_sync(scenario)()
    assert len(done) >= 4
