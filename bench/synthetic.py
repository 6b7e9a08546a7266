"""Executions that nobody ran: a year of them, the same each time, written as fast as may be."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import connection, models, transaction

from workflows.models import (
    WorkflowDefinition,
    WorkflowExecution,
    WorkflowTemplate,
    WorkflowVersion,
)

START = datetime(2025, 11, 1, tzinfo=UTC)
DAYS = 365
_USERS, _TEMPLATES, _AT_ONCE = 100, 20, 20_000
_ENDS = ("completed",) * 18 + ("failed", "cancelled")


def fill(count: int) -> None:
    """Write `count` executions of 100 users, each of whom has two templates and one definition.

    They are spread evenly over a year; durations are log-normal around two seconds. Secondary
    indexes are made afterwards, as a bulk load does.
    """
    sources = _sources()
    fields: list[Any] = [*WorkflowExecution._meta.concrete_fields]
    indexes: list[models.Index] = list(WorkflowExecution._meta.indexes)
    with connection.schema_editor() as editor:
        for index in indexes:
            editor.remove_index(WorkflowExecution, index)
    chance = random.Random(20261101)  # noqa: S311 - the same each time
    for first in range(0, count, _AT_ONCE):
        rows = [
            _row(at, count, chance, sources) for at in range(first, min(first + _AT_ONCE, count))
        ]
        _write(fields, rows)
    with connection.schema_editor() as editor:
        for index in indexes:
            editor.add_index(WorkflowExecution, index)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


Source = tuple[Any, Any, Any]


def _sources() -> list[tuple[Any, list[Source]]]:
    """Each user, and what they run: `(template, definition, version)`."""
    version = WorkflowVersion.objects.create(content_hash="synthetic", graph={})
    templates = [
        WorkflowTemplate.objects.create(slug=f"t{n}", name=f"Template {n}", version=version)
        for n in range(_TEMPLATES)
    ]
    found = []
    for n in range(_USERS):
        user = get_user_model().objects.create(username=f"user{n}")
        definition = WorkflowDefinition.objects.create(owner=user, name=f"Definition {n}")
        kinds: list[Source] = [
            (templates[n % _TEMPLATES].pk, None, version.pk),
            (templates[n % _TEMPLATES].pk, None, version.pk),
            (templates[n * 7 % _TEMPLATES].pk, None, version.pk),
            (None, definition.pk, version.pk),
        ]
        found.append((user.pk, kinds))
    return found


def _row(
    at: int, count: int, chance: random.Random, sources: Sequence[tuple[Any, list[Source]]]
) -> dict[str, Any]:
    created = START + timedelta(days=DAYS) * (at / count)
    took_ms = int(chance.lognormvariate(7.6, 1.1))
    user, kinds = chance.choice(sources)
    template, definition, version = chance.choice(kinds)
    status = chance.choice(_ENDS)
    tokens = chance.randrange(50, 4_000)
    return {
        "id": _id(created, at),
        "created_at": created,
        "user_id": user,
        "kind": "template" if template else "definition",
        "status": status,
        "template_id": template,
        "definition_id": definition,
        "version_id": version,
        "error": {"code": "provider_error"} if status == "failed" else None,
        "started_at": created,
        "finished_at": created + timedelta(milliseconds=took_ms),
        "duration_ms": took_ms,
        "attempt": 1,
        "call_count": 1,
        "input_tokens": tokens,
        "output_tokens": tokens // 4,
        "cost_nano_usd": tokens * 1_500,
    }


def _id(created: datetime, at: int) -> UUID:
    """A version 7 UUID of that moment."""
    milliseconds = int(created.timestamp() * 1000)
    return UUID(int=milliseconds << 80 | 7 << 76 | 2 << 62 | at)


def _write(fields: Sequence[Any], rows: Sequence[dict[str, Any]]) -> None:
    """What differs is converted row by row, all else once."""
    usual = [field.get_db_prep_save(field.get_default(), connection) for field in fields]
    places = {field.attname: (at, field) for at, field in enumerate(fields)}
    lines = []
    for row in rows:
        line = list(usual)
        for name, value in row.items():
            at, field = places[name]
            plain = connection.vendor == "postgresql" and name != "error"
            line[at] = value if plain else field.get_db_prep_save(value, connection)
        lines.append(line)
    names = ", ".join(connection.ops.quote_name(field.column) for field in fields)
    table = connection.ops.quote_name(WorkflowExecution._meta.db_table)
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for line in lines:
                    copy.write_row(line)
        else:
            marks = ", ".join(["%s"] * len(fields))
            sql = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608 - our names
            cursor.executemany(sql, lines)
