"""Executions that nobody ran: a year of them, the same each time, written as fast as may be."""

import json
import random
from collections.abc import Iterable, Sequence
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
_GRAPH = {"nodes": [{"id": "start", "type": "start"}], "edges": []}
_ERROR = json.dumps({"code": "provider_error", "message": "The provider cannot answer."})


def fill(count: int) -> None:
    """Write `count` executions of 100 users, each of whom has two templates and one definition.

    They are spread evenly over a year; durations are log-normal around two seconds. Secondary
    indexes are made afterwards, as a bulk load does.
    """
    sources = _sources()
    fields: list[Any] = [*WorkflowExecution._meta.concrete_fields]
    usual = {field.attname: _plain(field.get_default()) for field in fields}
    indexes: list[models.Index] = list(WorkflowExecution._meta.indexes)
    with connection.schema_editor() as editor:
        for index in indexes:
            editor.remove_index(WorkflowExecution, index)
    chance = random.Random(20261101)  # noqa: S311 - the same each time
    for first in range(0, count, _AT_ONCE):
        some = range(first, min(first + _AT_ONCE, count))
        rows = ({**usual, **_row(at, count, chance, sources)} for at in some)
        _write([field.column for field in fields], (list(row.values()) for row in rows))
    with connection.schema_editor() as editor:
        for index in indexes:
            editor.add_index(WorkflowExecution, index)
    settle()


def settle() -> None:
    """What autovacuum does once it gets to it."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


Source = tuple[str | None, str | None, str]


def _sources() -> list[tuple[str, list[Source]]]:
    """Each user, and what they run: `(template, definition, version)`."""
    version = WorkflowVersion.objects.create(content_hash="synthetic", graph=_GRAPH)
    templates = [
        WorkflowTemplate.objects.create(slug=f"t{n}", name=f"Template {n}", version=version)
        for n in range(_TEMPLATES)
    ]
    found = []
    for n in range(_USERS):
        user = get_user_model().objects.create(username=f"user{n}")
        definition = WorkflowDefinition.objects.create(owner=user, name=f"Definition {n}")
        kinds: list[Source] = [
            (templates[n % _TEMPLATES].pk.hex, None, version.pk.hex),
            (templates[n % _TEMPLATES].pk.hex, None, version.pk.hex),
            (templates[n * 7 % _TEMPLATES].pk.hex, None, version.pk.hex),
            (None, definition.pk.hex, version.pk.hex),
        ]
        found.append((user.pk.hex, kinds))
    return found


def _row(
    at: int, count: int, chance: random.Random, sources: Sequence[tuple[str, list[Source]]]
) -> dict[str, Any]:
    """What is not as usual, as both databases take it: ids, times and JSON as text."""
    created = START + timedelta(days=DAYS) * (at / count)
    took_ms = int(chance.lognormvariate(7.6, 1.1))
    user, kinds = chance.choice(sources)
    template, definition, version = chance.choice(kinds)
    status = chance.choice(_ENDS)
    tokens = chance.randrange(50, 4_000)
    return {
        "id": _id(created, at),
        "created_at": _plain(created),
        "user_id": user,
        "kind": "template" if template else "definition",
        "status": status,
        "template_id": template,
        "definition_id": definition,
        "version_id": version,
        "error": _ERROR if status == "failed" else None,
        "started_at": _plain(created),
        "finished_at": _plain(created + timedelta(milliseconds=took_ms)),
        "duration_ms": took_ms,
        "attempt": 1,
        "call_count": 1,
        "input_tokens": tokens,
        "output_tokens": tokens // 4,
        "cost_nano_usd": tokens * 1_500,
    }


def _id(created: datetime, at: int) -> str:
    """A version 7 UUID of that moment."""
    milliseconds = int(created.timestamp() * 1000)
    return f"{milliseconds << 80 | 7 << 76 | 2 << 62 | at:032x}"


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return value.hex
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(" ")
    return json.dumps(value) if isinstance(value, dict | list) else value


def _write(columns: Sequence[str], lines: Iterable[Sequence[Any]]) -> None:
    """In one transaction; PostgreSQL need not look up what each row refers to: we have just."""
    names = ", ".join(map(connection.ops.quote_name, columns))
    table = connection.ops.quote_name(WorkflowExecution._meta.db_table)
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL session_replication_role = replica")
            with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for line in lines:
                    copy.write_row(line)
        else:
            marks = ", ".join(["%s"] * len(columns))
            sql = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608 - our names
            cursor.executemany(sql, lines)
