"""Chores of tools, run by every process that hosts a pump."""

from core.chores import chore
from core.database import database
from tools.services.losses import settle_lost


@chore(every_s=20.0)
async def settle_lost_calls() -> None:
    await database.run(settle_lost)
