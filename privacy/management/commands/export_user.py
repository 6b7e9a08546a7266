"""Write all that is kept of one user into a file."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from core.files import new_file
from privacy.services.exporting import export_user


class Command(BaseCommand):
    help = "Write everything that is kept of a user into a ZIP of JSON lines."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("file", type=Path, help="where to; it must not be there yet")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError(f"There is no user '{options['username']}'.")
        path: Path = options["file"]
        with new_file(path) as file:
            size = sum(file.write(piece) for piece in export_user(user, by=None, via="command"))
        self.stdout.write(f"{path}: {size} bytes.")
