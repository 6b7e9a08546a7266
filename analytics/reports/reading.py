"""Rollups of a span, added up by step and by group: a few rows each, however long the ledger is."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import QuerySet

from analytics.models import Grain, Rollup
from analytics.reports.span import Span
from analytics.rollups.facts import EXECUTIONS, MODEL_CALLS, TOOL_CALLS, FactKind
from analytics.rollups.folding import fold
from analytics.rollups.tallies import Key, Tally, add_up, columns_of
from core.bulk import read_rows


@dataclass(frozen=True, slots=True)
class Subject:
    """What a report is about. `by` names its groupings; `whole` the dimension that has each row."""

    key: str
    kind: FactKind
    by: tuple[str, ...]
    whole: str

    @property
    def rollup(self) -> type[Rollup]:
        return self.kind.rollup


SUBJECTS = {
    subject.key: subject
    for subject in (
        Subject("executions", EXECUTIONS, ("template", "definition", "version", "user"), ""),
        Subject("models", MODEL_CALLS, ("model", "provider", "user"), "model"),
        Subject("tools", TOOL_CALLS, ("tool", "user"), "tool"),
    )
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Rows of one subject: grouped `by` something (empty: all as one), of one group alone (`key`),
    of one user alone (`whose`, an id; empty: everyone's). Who may ask is settled before.
    """

    subject: Subject
    by: str = ""
    key: str = ""
    whose: str = ""

    def rows(self) -> QuerySet[Any]:
        """The buckets, of every grain and time."""
        rows, whole = self.subject.rollup._base_manager.all(), self.subject.whole
        if self.by == "user":
            rows = rows.filter(dimension=whole).exclude(whose="")
            for user in filter(None, (self.whose, self.key)):
                rows = rows.filter(whose=user)
            return rows
        dimension = _DIMENSION.get(self.by, self.by) or whole
        rows = rows.filter(dimension=dimension)
        if self.whose or dimension in self.subject.kind.shared:
            rows = rows.filter(whose=self.whose)
        if self.by == "provider" and self.key:
            return rows.filter(subject__startswith=f"{self.key}:")
        return rows.filter(subject=self.key) if self.key else rows

    def has(self, key: Key) -> bool:
        """Whether `rows` has the bucket of this key."""
        whole, whose = self.subject.whole, {self.whose, self.key} - {""}
        if self.by == "user":
            return key.dimension == whole and bool(key.whose) and whose <= {key.whose}
        dimension = _DIMENSION.get(self.by, self.by) or whole
        if key.dimension != dimension:
            return False
        if (self.whose or dimension in self.subject.kind.shared) and key.whose != self.whose:
            return False
        return self.key in ("", self.group_of(key.subject))

    @property
    def named_by(self) -> str:
        """The column that says which group a bucket is of."""
        return "whose" if self.by == "user" else "subject"

    def group_of(self, name: str) -> str:
        if self.by == "provider":
            return name.partition(":")[0]
        return name if self.by else ""


_DIMENSION = {"provider": "model"}


def total(wanted: Wanted, span: Span) -> Tally:
    """Everything in the span."""
    counted = Tally.of_rows(wanted.subject.rollup, _read(wanted, span.parts))
    return Tally.sum_of([counted, *(tally for _, tally in _rest(wanted, span))])


def series(wanted: Wanted, span: Span) -> list[tuple[datetime, Tally]]:
    """The same step by step, those too in which nothing happened."""
    rows: dict[datetime, list[Values]] = {step: [] for step in span.steps}
    for row in _read(wanted, span.series_parts, "starts_at"):
        rows[span.step_of(row[1])].append(row)
    return list(_tallies(wanted, rows).items())


def groups(wanted: Wanted, span: Span) -> dict[str, Tally]:
    """Each group that anything happened in."""
    rows: dict[str, list[Values]] = defaultdict(list)
    for row in _read(wanted, span.parts):
        rows[wanted.group_of(row[0])].append(row)
    found: dict[str, list[Tally]] = defaultdict(list)
    for group, tally in (*_tallies(wanted, rows).items(), *_rest(wanted, span)):
        found[group].append(tally)
    return {group: Tally.sum_of(tallies) for group, tallies in found.items()}


def table(wanted: Wanted, span: Span) -> dict[tuple[datetime, str], Tally]:
    """Each group in each step in which anything happened."""
    rows: dict[tuple[datetime, str], list[Values]] = defaultdict(list)
    for row in _read(wanted, span.series_parts, "starts_at"):
        rows[span.step_of(row[1]), wanted.group_of(row[0])].append(row)
    return _tallies(wanted, rows)


Values = tuple[Any, ...]
K = TypeVar("K")


def _read(
    wanted: Wanted, parts: Iterable[tuple[Grain, datetime, datetime]], *more: str
) -> Iterator[Values]:
    """What each row is named by, more of it if asked for, and then its numbers."""
    fold()
    columns = (wanted.named_by, *more, *columns_of(wanted.subject.rollup))
    for grain, starts_at, ends_at in parts:
        rows = wanted.rows().filter(grain=grain, starts_at__gte=starts_at, starts_at__lt=ends_at)
        yield from read_rows(rows.values_list(*columns))


def _rest(wanted: Wanted, span: Span) -> Iterator[tuple[str, Tally]]:
    """What each group did in the part of an hour behind the buckets, from the rows themselves."""
    if span.rest is None:
        return
    kind = wanted.subject.kind
    of = {"user_id": wanted.whose} if wanted.whose else {}
    for key, tally in add_up(kind, kind.counted_between(*span.rest, **of), 1):
        if wanted.has(key):
            yield wanted.group_of(key.whose if wanted.by == "user" else key.subject), tally


def _tallies(wanted: Wanted, rows: Mapping[K, list[Values]]) -> dict[K, Tally]:
    return {key: Tally.of_rows(wanted.subject.rollup, some) for key, some in rows.items()}
