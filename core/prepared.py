"""Queries that are composed once: a small one takes Django longer to compose than to ask."""

from collections.abc import Callable
from functools import cached_property
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db import connection, models

M = TypeVar("M", bound=models.Model)
_ID: "models.UUIDField[Any, Any]" = models.UUIDField()


class PreparedQuery(Generic[M]):
    """A query for whole rows of a model, by so many ids.

    `compose` makes it. That is called once, with ids that stand for those to come, so the query may
    depend on nothing else that changes.
    """

    def __init__(self, compose: Callable[..., models.QuerySet[M]], ids: int) -> None:
        self._compose = compose
        self._stand_ins = [UUID(int=number) for number in range(ids)]

    def rows(self, *ids: UUID) -> list[M]:
        """Those there are now."""
        model, compiler, sql, values = self._composed
        given = dict(zip(map(_parameter, self._stand_ins), map(_parameter, ids), strict=True))
        with connection.cursor() as cursor:
            cursor.execute(sql, [given.get(value, value) for value in values])
            found = cursor.fetchall()
        columns = [column for column, *_ in compiler.select]
        names = [column.target.attname for column in columns]
        read = compiler.apply_converters(found, compiler.get_converters(columns))
        return [model.from_db(connection.alias, names, row) for row in read]

    @cached_property
    def _composed(self) -> tuple[type[M], Any, str, tuple[Any, ...]]:
        rows = self._compose(*self._stand_ins)
        compiler = rows.query.get_compiler(connection=connection)
        return rows.model, compiler, *compiler.as_sql()


def _parameter(one: UUID) -> Any:
    return _ID.get_db_prep_value(one, connection)
