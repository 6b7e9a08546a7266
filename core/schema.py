"""Whether the database has the tables that this code needs, and what belongs to them."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import CommandError
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import BaseConstraint, CheckConstraint, Index

_TOLD = 3
_COLUMNS = {
    "sqlite": "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c",
    "postgresql": "SELECT table_name, column_name FROM information_schema.columns "
    "WHERE table_schema = current_schema()",
}
# SQLite knows the names of constraints by the statement alone that made the table.
_RULES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'index' UNION ALL "
    "SELECT sql FROM sqlite_master WHERE type = 'table'",
    "postgresql": "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema() UNION ALL "
    "SELECT conname FROM pg_constraint WHERE connamespace = current_schema()::regnamespace",
}
_NAMED = re.compile(r'CONSTRAINT "(\w+)"')


def missing_migrations() -> list[str]:
    """Those this code knows and the database does not have; one query."""
    applied = MigrationRecorder(connection).applied_migrations()
    return [f"{app}.{name}" for app, name in _known_migrations() if (app, name) not in applied]


def missing_tables() -> list[str]:
    """Those of our models that the database does not have; one query."""
    introspection = connection.introspection
    return sorted({*introspection.django_table_names()} - {*introspection.table_names()})


def missing_columns() -> list[str]:
    """Those of our models that their tables do not have; one query."""
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS[connection.vendor])
        there = set(cursor.fetchall())
    return [
        f"{model._meta.db_table}.{field.column}"
        for model in _kept_models()
        for field in model._meta.local_concrete_fields
        if (model._meta.db_table, field.column) not in there
    ]


def missing_rules() -> Iterator[tuple[Index | BaseConstraint, str]]:
    """Indexes and constraints that we named and the database does not have; one query. With the
    statement that makes it; empty where the table would have to be made anew.
    """
    with connection.cursor() as cursor:
        cursor.execute(_RULES[connection.vendor])
        told = [text for (text,) in cursor.fetchall()]
    there = {name for text in told for name in _NAMED.findall(text) or [text]}
    editor = connection.SchemaEditorClass(connection, collect_sql=True)
    for model in _kept_models():
        rules = (*model._meta.indexes, *model._meta.constraints)
        for rule in (one for one in rules if one.name not in there):
            anew = connection.vendor == "sqlite" and isinstance(rule, CheckConstraint)
            yield rule, "" if anew else f"{rule.create_sql(model, editor)};"


def _kept_models() -> list[Any]:
    models = apps.get_models(include_auto_created=True)
    return [one for one in models if one._meta.managed and not one._meta.proxy]


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
