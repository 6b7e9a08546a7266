"""Servers and workers of the release before go on while its successor's migrations are applied."""

from collections.abc import Iterator
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db import models
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import AddField
from django.db.migrations.operations.base import Operation

# The last migration of each app from before there were several processes to restart one by one.
BEFORE = {"accounts": 3, "analytics": 2, "llms": 3, "tools": 4, "workflows": 7}
# For these all processes must stop; the changelog says so.
STOPPING = {
    "audit.0002_sealed_later",
    "audit.0003_seals_of_their_own",
    "audit.0006_sealed_in_groups",
    "analytics.0006_users_in_rollups_alone",
}
# What takes away or renames what the code before it reads and writes.
PARTING = ("RemoveField", "RenameField", "DeleteModel", "RenameModel", "AlterModelTable")


def operations() -> Iterator[tuple[Migration, Operation]]:
    loader = MigrationLoader(None)
    for (app, name), migration in loader.disk_migrations.items():
        ours = Path(apps.get_app_config(app).path).parent == settings.BASE_DIR
        if ours and int(name[:4]) > BEFORE.get(app, 1):
            for operation in migration.operations:
                yield migration, operation


def written_without(field: "models.Field[object, object]") -> bool:
    """Whether a row may be inserted by code that does not know of the column."""
    return bool(field.null or field.has_db_default() or field.many_to_many)


def test_code_that_does_not_know_a_new_column_can_still_insert_rows() -> None:
    added = [(migration, one) for migration, one in operations() if isinstance(one, AddField)]
    assert added
    for migration, one in added:
        assert written_without(one.field), f"{migration}: {one.name} wants a db_default"


def test_nothing_is_taken_away_that_the_code_before_may_use() -> None:
    """In one release the code stops to use it, and the next takes it away; or the changelog says
    that all must stop, and this test knows of it.
    """
    parting = [str(migration) for migration, one in operations() if type(one).__name__ in PARTING]
    assert set(parting) == STOPPING
