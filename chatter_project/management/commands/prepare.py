"""Bring an installation up to date: schema, seeds, static files, the first administrator."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from accounts.services.administrators import ensure_administrator
from audit.commands import recorded
from core.jobs import repeat
from core.locks import locked_throughout
from llms.catalogue import add_prices
from llms.services.providers import register_environment_providers
from workflows.services.built_in import seed_templates


class Command(BaseCommand):
    help = "Migrate, seed, collect static files, make the first administrator. Safe to repeat."

    def handle(self, *args: Any, **options: Any) -> None:
        with locked_throughout("prepare"):  # whoever comes second finds everything done
            self._prepare()

    def _prepare(self) -> None:
        before = _migrations()
        call_command("migrate", interactive=False, verbosity=0)
        last = dict(sorted(_migrations() - before))
        with recorded("core.installation.prepared", {"migrated": last}):
            self._furnish()

    def _furnish(self) -> None:
        call_command("collectstatic", interactive=False, verbosity=0)
        seed_templates()
        register_environment_providers()
        for task, minutes in settings.CHATTER_JOBS.items():
            repeat(task, minutes)
        call_command("rebuild_rollups", if_empty=True, stdout=self.stdout)
        added = add_prices()
        if added:
            self.stdout.write(f"Added {added} model prices.")
        password = ensure_administrator(
            settings.CHATTER_ADMIN_USERNAME, settings.CHATTER_ADMIN_PASSWORD or None
        )
        if password:
            self.stdout.write(
                f"\n  Administrator: {settings.CHATTER_ADMIN_USERNAME}\n"
                f"  Password:      {password}   (shown this once)\n"
            )


def _migrations() -> set[tuple[str, str]]:
    """App and name of all that are applied."""
    return set(MigrationRecorder(connection).applied_migrations())
