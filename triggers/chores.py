"""Chores of triggers, run by every process that hosts a pump."""

from core.chores import chore
from triggers.services.firing import fire_due
from triggers.services.following import follow_ended


@chore(every_s=1.0)
async def fire_schedules() -> None:
    await fire_due()


@chore(every_s=0.5)
async def follow_chains() -> None:
    await follow_ended()
