"""Whether the database has the tables that this code needs."""

from functools import cache
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.core.management.base import CommandError
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

_TOLD = 3


def missing_migrations() -> list[str]:
    """Those this code knows and the database does not have; one query."""
    applied = MigrationRecorder(connection).applied_migrations()
    return [f"{app}.{name}" for app, name in _known_migrations() if (app, name) not in applied]


def missing_tables() -> list[str]:
    """Those of our models that the database does not have; one query."""
    introspection = connection.introspection
    return sorted({*introspection.django_table_names()} - {*introspection.table_names()})


def newer_migrations() -> list[str]:
    """Those of our apps that the database has and this code does not know; one query."""
    known = set(_known_migrations())
    ours = {
        one.label for one in apps.get_app_configs() if Path(one.path).parent == settings.BASE_DIR
    }
    applied = sorted(MigrationRecorder(connection).applied_migrations())
    return [f"{app}.{name}" for app, name in applied if app in ours and (app, name) not in known]


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
