"""Chores of experiments, run by every process that hosts a pump."""

from core.chores import chore
from core.database import database
from experiments.services.guarding import EVERY_S, watch_guards


@chore(every_s=EVERY_S / 2)
async def watch_guard_rails() -> None:
    await database.run(watch_guards)
