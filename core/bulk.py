"""One statement for many rows, from a model's own fields: INSERT, UPDATE, SELECT, asking for any.

`bulk_create` of instances cost 1.5 to 2 ms a run where these cost 0.05 to 0.3 ms (measured), and a
kept number updated parent by parent cost 230 to 325 µs each. Neither sends model signals.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache
from typing import Any

from django.db import connection, models

from core.row_encoding import Column, Row, as_document, document_of, values_of

_MAX_PARAMETERS = 30_000  # SQLite allows 32,766 in a statement, PostgreSQL 65,535
_BINARY = 1  # psycopg.pq.Format
_gathered: ContextVar[dict[type[models.Model], list[Row]] | None] = ContextVar("rows", default=None)


def insert_rows(model: type[models.Model], rows: Sequence[Row]) -> None:
    """Insert rows given as `{attname: value}`; a missing key takes the field's default.

    Takes part in the caller's transaction. Raises IntegrityError as one INSERT does.
    """
    names = _inserted(model)
    if as_document(rows):
        _execute(_insert_document_sql(model), [document_of(model, names, rows)])
    elif len(rows) == 1:
        _execute(_insert_sql(model), values_of(model, names, rows))
    elif rows:
        values = values_of(model, names, rows)
        each = [values[at : at + len(names)] for at in range(0, len(values), len(names))]
        with connection.cursor() as cursor:
            cursor.executemany(_insert_sql(model), each)


@contextmanager
def inserts_gathered() -> Iterator[None]:
    """Rows of `insert_gathered` within are inserted at its end, all tables together, if no error
    ends it. Within another it does nothing.

    PostgreSQL takes all tables in one statement: four, of a row each, cost the caller 0.22 ms so,
    and 0.6 ms one after the other (measured).
    """
    if _gathered.get() is not None:
        yield
        return
    rows: dict[type[models.Model], list[Row]] = {}
    token = _gathered.set(rows)
    try:
        yield
    finally:
        _gathered.reset(token)
    _insert_together(rows)


def insert_gathered(model: type[models.Model], rows: Sequence[Row]) -> None:
    """Insert rows that nothing reads or changes before `inserts_gathered` ends; at once outside."""
    if (gathered := _gathered.get()) is None:
        insert_rows(model, rows)
    else:
        gathered.setdefault(model, []).extend(rows)


def update_rows(
    model: type[models.Model],
    rows: Sequence[Row],
    returning: Sequence[str] = (),
    only: tuple[str, Collection[Any]] | None = None,
) -> list[dict[str, Any]]:
    """Set the given columns, row by row, found by primary key; all rows have the same keys.

    With `only`, those rows whose column has one of the values now. Returns the `returning` columns
    (no dates) of the rows that were changed, after the update.
    """
    return _update(model, rows, add=False, returning=returning, only=only)


def add_to_rows(model: type[models.Model], rows: Sequence[Row]) -> None:
    """Add the given numbers to the columns of each row, found by primary key, in key order.

    All rows have the same keys and each primary key stands once.
    """
    _update(model, sorted(rows, key=lambda row: row[_key(model)]), add=True)


def any_row(model: type[models.Model], name: str, values: Collection[Any]) -> bool:
    """Whether the column of any row has one of these values.

    For what is asked at each end of a run: the ORM took 0.6 ms for it, this 0.03 (measured).
    """
    if not values:
        return False
    given = values_of(model, (name,), [{name: value} for value in values])
    return bool(_execute(_any_sql(model, name, len(given)), given))


def read_rows(rows: models.QuerySet[Any], names: Sequence[str]) -> list[tuple[Any, ...]]:
    """Plain columns of the rows of one table, all at once and in no order.

    PostgreSQL sends its own form: as text 600 histograms and times took 3 times as long. Twenty
    columns that the ORM names take it 0.6 ms (measured).
    """
    if connection.vendor != "postgresql":
        return list(rows.order_by().values_list(*names))
    where, values = rows.query.get_compiler(connection=connection).compile(rows.query.where)
    fields, table = _fields(rows.model, names), _quoted(rows.model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.cursor.format = _BINARY
        cursor.execute(f"SELECT {_names(fields)} FROM {table} WHERE {where}", values)  # noqa: S608 - our names
        return list(cursor.fetchall())


def take_rows(model: type[models.Model], most: int) -> list[dict[str, Any]]:
    """Delete so many rows, the first by primary key, and return them in that order."""
    fields, key = model._meta.concrete_fields, _key(model)
    pk, table = _quoted(_column(model._meta.pk)), _quoted(model._meta.db_table)
    taken = _execute(
        f"DELETE FROM {table} WHERE {pk} IN (SELECT {pk} FROM {table} ORDER BY {pk} LIMIT %s) "  # noqa: S608 - our names
        f"RETURNING {_names(fields)}",
        [most],
    )
    compiler = model._base_manager.all().query.get_compiler(connection=connection)
    converters = compiler.get_converters([field.get_col(table) for field in fields])
    names = [field.attname for field in fields]
    rows = [
        dict(zip(names, row, strict=True)) for row in compiler.apply_converters(taken, converters)
    ]
    return sorted(rows, key=lambda row: row[key])


def is_empty(model: type[models.Model]) -> bool:
    """For what every report asks first; the ORM took 0.5 ms for this, too."""
    return not _execute(f"SELECT 1 FROM {_quoted(model._meta.db_table)} LIMIT 1", [])  # noqa: S608 - our names


def _insert_together(rows: Mapping[type[models.Model], Sequence[Row]]) -> None:
    given = {model: of_one for model, of_one in rows.items() if of_one}
    if connection.vendor == "postgresql" and len(given) > 1:
        documents = [document_of(one, _inserted(one), of_one) for one, of_one in given.items()]
        _execute(_insert_together_sql(tuple(given)), documents)
    else:
        for model, of_one in given.items():
            insert_rows(model, of_one)


def _update(
    model: type[models.Model],
    rows: Sequence[Row],
    *,
    add: bool,
    returning: Sequence[str] = (),
    only: tuple[str, Collection[Any]] | None = None,
) -> list[dict[str, Any]]:
    if not rows:
        return []
    names = tuple(rows[0])
    asked = _fields(model, returning)
    condition, allowed = ((only[0], len(only[1])), list(only[1])) if only else (None, [])
    found: list[Any] = []
    for part in _parts(rows, len(names)):
        document = as_document(part)
        given = [document_of(model, names, part)] if document else values_of(model, names, part)
        count = 0 if document else len(part)
        sql = _update_sql(model, names, count, add, tuple(returning), condition)
        found += _execute(sql, [*given, *allowed])
    return [
        {field.attname: field.to_python(value) for field, value in zip(asked, row, strict=True)}
        for row in found
    ]


def _execute(sql: str, parameters: Sequence[Any]) -> list[Any]:
    """The rows it returns, if it returns any."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else []


@lru_cache(maxsize=1024)
def _any_sql(model: type[models.Model], name: str, count: int) -> str:
    column = _column(model._meta.get_field(name))
    return (
        f"SELECT 1 FROM {_quoted(model._meta.db_table)} "  # noqa: S608 - our names
        f"WHERE {_quoted(column)} IN ({_places(count)}) LIMIT 1"
    )


@cache
def _insert_sql(model: type[models.Model]) -> str:
    """Of one row: SQLite keeps it prepared, where a text of many rows is read anew each time."""
    table, fields = _quoted(model._meta.db_table), _fields(model, _inserted(model))
    # One row fails whole either way, but for FAIL SQLite copies no pages (`WholeJSONField`).
    insert = "INSERT OR FAIL" if connection.vendor == "sqlite" else "INSERT"
    return f"{insert} INTO {table} ({_names(fields)}) VALUES ({_places(len(fields))})"  # noqa: S608 - our names


@cache
def _insert_document_sql(model: type[models.Model]) -> str:
    fields = _fields(model, _inserted(model))
    return (
        f"INSERT INTO {_quoted(model._meta.db_table)} ({_names(fields)}) "  # noqa: S608 - our names
        f"SELECT {_names(fields)} FROM {_document(fields)}"
    )


@cache
def _insert_together_sql(several: tuple[type[models.Model], ...]) -> str:
    *others, last = map(_insert_document_sql, several)
    before = ", ".join(f"_{at} AS ({one})" for at, one in enumerate(others))
    return f"WITH {before} {last}"


@lru_cache(maxsize=1024)
def _update_sql(  # noqa: PLR0913, PLR0917 - the parts of one statement
    model: type[models.Model],
    names: tuple[str, ...],
    count: int,
    add: bool,
    returning: tuple[str, ...],
    condition: tuple[str, int] | None,
) -> str:
    """An UPDATE from a list of so many rows, or from a document (0).

    On PostgreSQL the first of a list tells the types; SQLite is not told, for there such a list has
    none, and a cast would change the values.
    """
    fields = _fields(model, names)
    key, places = _column(model._meta.pk), f"({_places(len(fields))})"
    typed = ", ".join(f"CAST(%s AS {_type(field)})" for field in fields)
    first = places if connection.vendor == "sqlite" else f"({typed})"
    listed = f"({_names(fields)}) AS (VALUES {', '.join([first, *[places] * (count - 1)])})"
    sets = ", ".join(
        f"{_quoted(name)} = {_of(model, name) + ' + ' if add else ''}given.{_quoted(name)}"
        for name in map(_column, fields)
        if name != key
    )
    sql = (
        f"{f'WITH given {listed} ' if count else ''}"  # noqa: S608 - our names
        f"UPDATE {_quoted(model._meta.db_table)} SET {sets} "
        f"FROM {'given' if count else _document(fields)} "
        f"WHERE {_of(model, key)} = given.{_quoted(key)}"
    )
    if condition:
        sql += f" AND {_of(model, condition[0])} IN ({_places(condition[1])})"
    if returning:
        asked = _fields(model, returning)
        sql += f" RETURNING {', '.join(_of(model, _column(field)) for field in asked)}"
    return sql


def _document(fields: Sequence[Column]) -> str:
    """The rows of `document_of` these fields, as a table named `given`."""
    columns = ", ".join(f"{_quoted(_column(field))} {_type(field)}" for field in fields)
    return f"json_to_recordset(%s) AS given ({columns})"


def _of(model: type[models.Model], column: str) -> str:
    return f"{_quoted(model._meta.db_table)}.{_quoted(column)}"


def _column(field: Column) -> str:
    return str(field.column)


def _names(fields: Sequence[Column]) -> str:
    return ", ".join(_quoted(_column(field)) for field in fields)


def _type(field: Column) -> str:
    return str(field.cast_db_type(connection))


def _places(count: int) -> str:
    return ", ".join(["%s"] * count)


@cache
def _inserted(model: type[models.Model]) -> tuple[str, ...]:
    fields = model._meta.concrete_fields
    return tuple(field.attname for field in fields if not isinstance(field, models.AutoField))


def _fields(model: type[models.Model], names: Sequence[str]) -> list[Column]:
    return [model._meta.get_field(name) for name in names]


def _key(model: type[models.Model]) -> str:
    return model._meta.pk.attname


def _parts(rows: Sequence[Row], width: int) -> list[Sequence[Row]]:
    size = max(1, _MAX_PARAMETERS // width)
    return [rows[at : at + size] for at in range(0, len(rows), size)]


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
