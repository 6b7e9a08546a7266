"""Take an installation from SQLite to PostgreSQL: every row, exactly as it is.

Django's `dumpdata` cuts times to milliseconds, so that no entry of the audit trail fits its hash
any more, and writes secrets in plain text.
"""

import sqlite3
from argparse import ArgumentParser
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
from django.apps import apps
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.core.management.color import no_style
from django.db import Error, connection, models, transaction
from django.db.migrations.recorder import MigrationRecorder

from accounts.models import User
from audit.guards import install_guards, lift_guards
from audit.record import record
from core.locks import locked_throughout


class Command(BaseCommand):
    help = "Copy all of a SQLite installation into a new PostgreSQL database; `prepare` it after."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="chatter.sqlite3 of what is stopped now")

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path = options["file"]
        if connection.vendor != "postgresql":
            raise CommandError("DATABASE_URL does not name a PostgreSQL database to move to.")
        if not file.is_file():
            raise CommandError(f"There is no file {file}.")
        with locked_throughout("prepare"), closing(_taken(file)) as source:
            _refuse_a_used_one()
            call_command("migrate", interactive=False, verbosity=0)
            _refuse_another_schema(source)
            try:
                rows = _move(source)
            except (Error, psycopg.Error, sqlite3.Error) as error:
                raise CommandError(f"Nothing was moved: {error}") from error
        self.stdout.write(f"{rows} rows were moved. Next: manage.py prepare")


def _refuse_a_used_one() -> None:
    if User._meta.db_table in connection.introspection.table_names() and User.objects.exists():
        raise CommandError("The database to move to is in use; it has to be a new one.")


def _taken(file: Path) -> sqlite3.Connection:
    """Nobody has it open, nor will until this is over: what they wrote would be left behind."""
    try:
        source = sqlite3.connect(file)
        source.execute("PRAGMA locking_mode = EXCLUSIVE")
        source.execute("SELECT 1 FROM sqlite_master").fetchall()
    except sqlite3.Error as error:
        if error.sqlite_errorname.startswith("SQLITE_BUSY"):
            raise CommandError(f"Stop whatever uses the file first: {error}.") from error
        raise CommandError(
            f"The file cannot be read: {error}. It is locked meanwhile, for which you have to be "
            "one who may write to it and in its directory."
        ) from error
    return source


def _refuse_another_schema(source: sqlite3.Connection) -> None:
    try:
        there = set(source.execute("SELECT app, name FROM django_migrations"))
    except sqlite3.Error as error:
        raise CommandError(f"The file cannot be read: {error}.") from error
    if there != set(MigrationRecorder(connection).applied_migrations()):
        raise CommandError("The file is of another release; run this one's `prepare` on it first.")


@transaction.atomic
def _move(source: sqlite3.Connection) -> int:
    """Return how many rows; all are there, or none."""
    tables = [one for one in apps.get_models(include_auto_created=True) if not one._meta.proxy]
    lift_guards(connection)
    rows = _copy_all(source, tables)
    install_guards(connection)
    record("core.installation.moved", detail={"via": "command", "rows": rows})
    return rows


def _copy_all(source: sqlite3.Connection, tables: list[type[models.Model]]) -> int:
    source.execute("BEGIN")  # all of it is read as of one moment
    with connection.cursor() as cursor:
        rows = sum(_copy(source, cursor, one) for one in tables)
        for statement in connection.ops.sequence_reset_sql(no_style(), tables):
            cursor.execute(statement)
    return rows


def _copy(source: sqlite3.Connection, cursor: Any, model: type[models.Model]) -> int:
    """As text, which PostgreSQL reads as each column's type: no value is decoded on the way."""
    quote = connection.ops.quote_name
    table = quote(model._meta.db_table)
    columns = ", ".join(quote(str(field.column)) for field in model._meta.concrete_fields)
    rows = source.execute(f"SELECT {columns} FROM {table}")  # noqa: S608 - our names
    cursor.execute(f"DELETE FROM {table}")  # noqa: S608 - what `migrate` has put there
    with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
    return int(cursor.rowcount)
