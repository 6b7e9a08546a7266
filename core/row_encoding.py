"""How rows are passed to a statement: value by value, or many at once as one JSON document.

PostgreSQL's driver looks at every value. Of twenty rows of 45 columns each took 127 µs of its
process that way and 34 µs as a part of a document, and 200 µs and 80 µs until the answer
(measured); the statement has one text, too, however many rows there are.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache, partial
from operator import attrgetter
from typing import Any
from uuid import UUID

import orjson
from django.db import connection, models

from core.whole_json import WholeJSONField

Row = Mapping[str, Any]
Convert = Callable[[Any], Any]
Default = Callable[[], Any]
# The type of the values that go as they are, and how others do. Null goes as it is, too. So most
# values need no call of their own, which was half of what a row costs (measured).
Way = tuple[type | None, Convert]
Column = Any  # a models.Field, which takes no type arguments at run time


def as_document(rows: Sequence[Row]) -> bool:
    """Whether these rows are better given as a document: a single one is not."""
    return connection.vendor == "postgresql" and len(rows) > 1


def values_of(model: type[models.Model], names: tuple[str, ...], rows: Sequence[Row]) -> list[Any]:
    """All values of these columns, row by row; a missing key takes the field's default."""
    columns = _columns(model, names, _as_value)
    return [
        value
        if (value := row[name] if name in row else default()) is None or type(value) is plain
        else convert(value)
        for row in rows
        for _, name, default, plain, convert in columns
    ]


def document_of(model: type[models.Model], names: tuple[str, ...], rows: Sequence[Row]) -> str:
    """The same as JSON for `json_to_recordset`, a column a key."""
    columns = _columns(model, names, _as_json)
    filled = [
        {
            column: value
            if (value := row[name] if name in row else default()) is None or type(value) is plain
            else convert(value)
            for column, name, default, plain, convert in columns
        }
        for row in rows
    ]
    return _json(filled)


@lru_cache(maxsize=1024)
def _columns(
    model: type[models.Model], names: tuple[str, ...], way: Callable[[Column], Way]
) -> list[tuple[str, str, Default, type | None, Convert]]:
    """How each column is filled: from which key, with what if there is none, in which way."""
    fields: list[Column] = [model._meta.get_field(name) for name in names]
    return [
        (field.column, name, field.get_default, *way(field))
        for name, field in zip(names, fields, strict=True)
    ]


def _as_text(value: object) -> str:
    if isinstance(value, UUID | datetime):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no value of JSON")


_ENCODER = json.JSONEncoder(separators=(",", ":"), default=_as_text)


def _json(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:  # of numbers beyond 64 bits, halves of pairs, depth
        return _ENCODER.encode(value)


_PLAIN: dict[type, type] = {
    models.BinaryField: bytes,
    models.CharField: str,
    models.TextField: str,
    models.IntegerField: int,
    models.BigIntegerField: int,
    models.PositiveIntegerField: int,
    models.PositiveBigIntegerField: int,
    models.BooleanField: bool,
}


def _as_value(field: Column) -> Way:
    """How this field's values go into a statement."""
    if isinstance(field, models.ForeignKey):
        return _as_value(field.target_field)
    kind, sqlite = type(field), connection.vendor == "sqlite"
    slow = partial(field.get_db_prep_save, connection=connection)
    if kind is WholeJSONField:
        return None, _json
    if kind is models.JSONField and field.encoder is None:
        return None, _ENCODER.encode  # orjson would make null of infinity
    if kind is models.UUIDField:
        return (None, attrgetter("hex")) if sqlite else (UUID, slow)
    if kind is models.DateTimeField:
        utc = _utc_text if sqlite else _itself
        return None, lambda value: utc(value) if value.tzinfo is UTC else slow(value)
    return _PLAIN.get(kind), slow


def _as_json(field: Column) -> Way:
    """How this field's values go into a document; what none of these can tell, JSON refuses."""
    if isinstance(field, models.ForeignKey):
        return _as_json(field.target_field)
    kind = type(field)
    slow = partial(field.get_db_prep_save, connection=connection)
    if kind is models.BinaryField:
        return None, lambda value: f"\\x{bytes(value).hex()}"
    if isinstance(field, models.JSONField) and field.encoder is None:
        return None, _itself
    if kind is models.UUIDField:
        return UUID, slow
    if kind is models.DateTimeField:
        return None, lambda value: value if value.tzinfo is UTC else slow(value)
    return _PLAIN.get(kind), slow


def _itself(value: Any) -> Any:
    return value


@lru_cache(maxsize=64)
def _utc_text(value: datetime) -> str:
    """As Django writes it, without asking for a time zone each time; a group shares one instant."""
    return value.isoformat(" ").removesuffix("+00:00")
