"""Let somebody try to log in again."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from accounts.services.lockouts import lift_lockout, lockouts_of


class Command(BaseCommand):
    help = "Lift the lockout of a name, or of an address."

    def add_arguments(self, parser: CommandParser) -> None:
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("--user", default="", metavar="USERNAME")
        whose.add_argument("--address", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        found = lockouts_of(username=options["user"], address=options["address"])
        number = sum(map(lift_lockout, found))
        self.stdout.write(f"{number} lockouts are lifted.")
