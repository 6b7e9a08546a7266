"""Prepare an installation and leave one of each kind of thing there: `python -m …furnished`."""

import sys

import django

django.setup()

from asgiref.sync import async_to_sync  # noqa: E402
from django.core.management import call_command  # noqa: E402

from accounts.models import User  # noqa: E402
from audit.checkpoints import note_checkpoint  # noqa: E402
from audit.sealing import seal_entries  # noqa: E402
from tests.isolation.home import furnish  # noqa: E402
from workflows.pump.pump import Pump  # noqa: E402
from workflows.tracking.writer import writer  # noqa: E402


def main() -> None:
    call_command("prepare", stdout=sys.stderr)
    furnish(User.objects.create_user("alice"), async_to_sync(Pump(writer).drain))
    seal_entries()
    note_checkpoint()
    sys.stdout.write("null\n")


if __name__ == "__main__":
    main()
