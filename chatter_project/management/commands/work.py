"""Run executions beside the servers: workers that host pumps, and the guard that watches them."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from core.garbage import leave_what_is_loaded
from core.schema import refuse_stale_schema
from workflows.pump.guarding import Guard


class Command(BaseCommand):
    help = "Work until interrupted; steps under way may end, and what is left is handed back."

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.CHATTER_PUMP != "workers":
            raise CommandError("The server runs the executions itself: set CHATTER_PUMP=workers.")
        refuse_stale_schema()
        leave_what_is_loaded()
        guard = Guard()
        self.stdout.write("Working.  (Ctrl-C stops it)")
        self.stdout.flush()
        guard.keep_going()
        self.stdout.write("Stopped; what was running is handed back.")
