"""Chores of workflows, run by every process that hosts a pump."""

from core.chores import chore
from core.database import database
from workflows.services import losses


@chore(every_s=60.0)
async def settle_lost_calls() -> None:
    await database.run(losses.settle_lost_calls)
