"""Adds what ended to the tallies, in the transaction that ends it: one statement for a group."""

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Sum

from telemetry.buckets import UNTIMED, bucket_of
from telemetry.models import Tally, TallyKind
from workflows.totals import TOKENS

Row = Mapping[str, Any]
Key = tuple[str, str, str, str, str, int, int]

KEY = ("kind", "subject", "source", "status", "exactness", "bucket", "shard")
NUMBERS = ("count", "took_ms", *TOKENS, "cost_nano_usd")
_SHARDS = 16
_UNKNOWN_TOOL = "unknown_tool"  # what a model made up is no label


def wanted() -> bool:
    """Whether anybody may ask for them; if not, nothing is counted."""
    return bool(settings.METRICS_TOKEN or settings.METRICS_ALLOW)


def add_executions(rows: Iterable[Row]) -> None:
    _add((_execution(row), (1, row["duration_ms"] or 0)) for row in rows)


def add_model_calls(rows: Iterable[Row]) -> None:
    _add((_model_call(row), _used(row)) for row in rows)


def add_tool_calls(rows: Iterable[Row]) -> None:
    _add((_tool_call(row), (1, row["latency_ms"] or 0)) for row in rows)


def totals() -> list[dict[str, Any]]:
    """All there are, the shards added up: as many rows as there are labels and buckets."""
    alike = Tally.objects.order_by().values(*KEY[:-1])
    return list(alike.annotate(**{f"{name}_sum": Sum(name) for name in NUMBERS}))


def _execution(row: Row) -> Key:
    took = bucket_of(row["duration_ms"] or 0)
    return (TallyKind.EXECUTION, row["rerun"], "", row["status"], "", took, _shard())


def _model_call(row: Row) -> Key:
    subject = f"{row['provider']}:{row['model']}"
    ended = row["answered_by"], row["status"], row["exactness"]
    return (TallyKind.MODEL, subject, *ended, _bucket_of(row), _shard())


def _tool_call(row: Row) -> Key:
    subject = "" if row["error_code"] == _UNKNOWN_TOOL else row["tool"]
    ended = row["answered_by"], row["status"], ""
    return (TallyKind.TOOL, subject, *ended, _bucket_of(row), _shard())


def _bucket_of(row: Row) -> int:
    return UNTIMED if row["latency_ms"] is None else bucket_of(row["latency_ms"])


def _used(row: Row) -> tuple[int, ...]:
    """What is known; how many calls are not known exactly is told by their own label."""
    return (1, *(row[name] or 0 for name in ("latency_ms", *TOKENS, "cost_nano_usd")))


def _shard() -> int:
    return os.getpid() % _SHARDS


def _add(counted: Iterable[tuple[Key, tuple[int, ...]]]) -> None:
    sums: dict[Key, list[int]] = defaultdict(lambda: [0] * len(NUMBERS))
    for key, numbers in counted:
        kept = sums[key]
        for at, number in enumerate(numbers):
            kept[at] += number
    if not sums:
        return
    in_order = sorted(sums.items())
    values = [value for key, numbers in in_order for value in (*map(_plain, key), *numbers)]
    with connection.cursor() as cursor:
        cursor.execute(_sql(len(in_order)), values)


def _plain(value: Any) -> str | int:
    """Text as databases know it: a choice is a `str` of its own kind."""
    return str(value) if isinstance(value, str) else int(value)


@lru_cache(maxsize=64)
def _sql(count: int) -> str:
    names = ", ".join((*KEY, *NUMBERS))
    places = ", ".join([f"({', '.join(['%s'] * len((*KEY, *NUMBERS)))})"] * count)
    table = Tally._meta.db_table
    added = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in NUMBERS)
    return (
        f"INSERT INTO {table} ({names}) VALUES {places} "  # noqa: S608 - our names
        f"ON CONFLICT ({', '.join(KEY)}) DO UPDATE SET {added}"
    )
