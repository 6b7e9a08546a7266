"""Chores of security, run by every process that hosts a pump."""

import asyncio

import structlog

from core.chores import chore
from core.database import database
from security.services.mailing import claim_alert, mail, recipients
from security.services.watching import watch_trail

log = structlog.get_logger(__name__)


@chore(every_s=2.0)
async def watch_the_trail() -> None:
    await database.run(watch_trail)


@chore(every_s=5.0)
async def mail_alerts() -> None:
    """In a thread of its own: whoever waits for a mail server waits for nothing else."""
    while recipients() and (alert := await database.run(claim_alert)):
        for recipient in recipients():
            try:
                await asyncio.to_thread(mail, alert, recipient)
            except Exception:  # of what is no address, Python's mail library raises anything
                log.exception("alert.not_mailed", alert=str(alert.pk), to=recipient)
