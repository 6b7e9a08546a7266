"""Forget one user."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from core.errors import ChatterError
from privacy.services.erasing import erase_user


class Command(BaseCommand):
    help = "Take a user's words, names and keys for good; numbers and the audit trail stay."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument(
            "--confirm", default="", metavar="USERNAME", help="the same again, to be sure"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError(f"There is no user '{options['username']}'.")
        try:
            rows = erase_user(user, confirm=options["confirm"])
        except ChatterError as error:
            raise CommandError(str(error)) from error
        for model, number in sorted(rows.items()):
            if number:
                self.stdout.write(f"{model}: {number}")
        self.stdout.write(f"{options['username']} is erased; user {user.pk} has no name now.")
