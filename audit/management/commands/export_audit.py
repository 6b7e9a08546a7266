"""Write the audit trail into a file that others can verify."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from audit.export import exported_lines
from audit.record import record
from audit.sealing import seal_entries
from audit.signatures import public_keys
from core.files import new_file


class Command(BaseCommand):
    help = "Write all audit entries, without what is personal, into a signed file."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="where to; it must not be there yet")

    def handle(self, *args: Any, **options: Any) -> None:
        seal_entries()
        path: Path = options["file"]
        with new_file(path) as file:
            count = sum(bool(file.write(line)) for line in exported_lines()) - 1
        with transaction.atomic():
            record("audit.trail.exported", detail={"entries": count})
        self.stdout.write(
            f"{count} entries. Whoever has this key can verify them, with no database:\n"
            f"  manage.py verify_audit --export {path} --public-key {public_keys()[0]}"
        )
