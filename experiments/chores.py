"""What whoever hosts a pump does for experiments."""

from core.chores import chore
from core.database import database
from experiments.services.guarding import watch_guards


@chore(every_s=60.0)
async def watch_guard_rails() -> None:
    await database.run(watch_guards)
