"""Whether the database has the tables that this code needs."""

from functools import cache

from django.core.management.base import CommandError
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

_TOLD = 3


def missing_migrations() -> list[str]:
    """Those this code knows and the database does not have; one query."""
    applied = MigrationRecorder(connection).applied_migrations()
    return [f"{app}.{name}" for app, name in _known_migrations() if (app, name) not in applied]


def refuse_stale_schema() -> None:
    """Raise CommandError when the database is not at the schema this code needs."""
    missing = missing_migrations()
    if missing:
        names = ", ".join(missing[:_TOLD])
        raise CommandError(
            f"The database is not up to date (missing {names} …). Run: manage.py prepare"
        )


@cache
def _known_migrations() -> list[tuple[str, str]]:
    """In order; reading the files takes a while, and they stay what they are."""
    return sorted(MigrationLoader(None).disk_migrations)
