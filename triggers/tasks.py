"""What a job queue's own scheduler may ring: the same work as the chores do."""

from asgiref.sync import async_to_sync

from triggers.services.firing import fire_due
from triggers.services.following import follow_ended


def fire_triggers() -> None:
    """Start what is due and follow what has ended; harmless to call twice, or at the same time."""
    async_to_sync(fire_due)()
    async_to_sync(follow_ended)()
