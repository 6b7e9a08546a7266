"""Chores of the audit trail, run by every process that hosts a pump."""

from audit.checkpoints import note_checkpoint
from audit.sealing import seal_entries
from core.chores import chore
from core.database import database


@chore(every_s=0.5)
async def seal_what_was_recorded() -> None:
    await database.run(seal_entries)


@chore(every_s=60.0)
async def sign_the_chain() -> None:
    await database.run(note_checkpoint)
