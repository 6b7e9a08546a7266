"""What becomes of one table's rows of a person: in an export, and at an erasure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson
from django.apps import apps
from django.db import models
from django.db.models import Q, QuerySet

from accounts.models import User

_AT_ONCE = 500
# To find any of them, the database looks at all: page by page, 100,000 runs took minutes.
_FOUND_AT_ONCE = 20_000


class Fate(StrEnum):
    """What an erasure does with the rows."""

    DELETED = "deleted"
    BLANKED = "blanked"  # the row stays, for its numbers; its words go
    SCRUBBED = "scrubbed"  # by code of its own (`privacy.scrubbing`)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of `model` belong to a user by any of the lookups `of`.

    Of rows that stay, `blank` says what is written over their words, and `kept` which texts are
    the product's own. `hidden` columns are in no export: they are somebody else's, or nobody may
    read them.
    """

    model: str
    of: tuple[str, ...]
    fate: Fate = Fate.DELETED
    blank: Mapping[str, Any] | None = None
    kept: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()

    @property
    def type(self) -> type[models.Model]:
        return apps.get_model(self.model)

    def rows(self, user: User) -> QuerySet[Any]:
        belongs = Q(*[(lookup, user.pk) for lookup in self.of], _connector=Q.OR)
        return self.type._base_manager.filter(belongs)

    def lines(self, user: User) -> Iterator[bytes]:
        """The rows as JSON, without what is hidden."""
        fields = self.type._meta.concrete_fields
        columns = tuple(one.attname for one in fields if one.name not in self.hidden)
        return json_lines(self.rows(user), columns)

    def erase(self, user: User) -> dict[str, int]:
        """Delete or blank the rows; returns how many, by table, with those that go along."""
        rows = self.rows(user)
        if self.fate == Fate.DELETED:
            return rows.delete()[1]
        return {self.model: rows.update(**self.blank) if self.blank else 0}


def json_lines(rows: QuerySet[Any], columns: Sequence[str]) -> Iterator[bytes]:
    """Rows as lines of JSON; a query for every few hundred."""
    for keys in pages(rows):
        for row in rows.model._base_manager.filter(pk__in=keys).order_by("pk").values(*columns):
            yield orjson.dumps(row, default=str, option=orjson.OPT_APPEND_NEWLINE)


def pages(rows: QuerySet[Any], at_once: int = _AT_ONCE) -> Iterator[list[Any]]:
    """The primary keys of rows, some at a time; what a page is made into may change meanwhile."""
    keys, after = rows.order_by("pk").values_list("pk", flat=True).distinct(), Q()
    while found := list(keys.filter(after)[:_FOUND_AT_ONCE]):
        for at in range(0, len(found), at_once):
            yield found[at : at + at_once]
        after = Q(pk__gt=found[-1])
