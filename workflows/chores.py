"""What whoever hosts a pump does for the calls of runs."""

from core.chores import chore
from core.database import database
from workflows.services import losses


@chore(every_s=60.0)
async def settle_lost_calls() -> None:
    await database.run(losses.settle_lost_calls)
