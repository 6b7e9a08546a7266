"""Chores of the rollups, run by every process that hosts a pump."""

from analytics.rollups.folding import fold_if_free
from core.chores import chore
from core.database import database


@chore(every_s=2.0)
async def fold_rollups() -> None:
    """Most of a fold costs the same for one run as for a hundred, and readers fold first."""
    await database.run(fold_if_free)
