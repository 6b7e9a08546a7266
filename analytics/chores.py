"""What whoever hosts a pump does for the rollups."""

from analytics.rollups.folding import fold_if_free
from core.chores import chore
from core.database import database


@chore(every_s=0.5)
async def fold_rollups() -> None:
    await database.run(fold_if_free)
