"""Rollups of a span, added up by step and by group: a few rows each, however long the ledger is."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import QuerySet

from analytics.models import Rollup
from analytics.reports.cuts import Cut
from analytics.reports.span import Span
from analytics.rollups.facts import EXECUTIONS, MODEL_CALLS, TOOL_CALLS, FactKind
from analytics.rollups.folding import fold
from analytics.rollups.tallies import Tally, columns_of, worth_of
from core.bulk import read_rows
from core.locks import snapshot


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
        Subject(
            "executions", EXECUTIONS, ("template", "definition", "version", "status", "user"), ""
        ),
        Subject("models", MODEL_CALLS, ("model", "provider", "status", "user"), "model"),
        Subject("tools", TOOL_CALLS, ("tool", "status", "user"), "tool"),
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

    def has(self, dimension: str, whose: str, subject: str) -> bool:
        """Whether `rows` has the buckets of this."""
        whole, wanted = self.subject.whole, {self.whose, self.key} - {""}
        if self.by == "user":
            return dimension == whole and bool(whose) and wanted <= {whose}
        if dimension != (_DIMENSION.get(self.by, self.by) or whole):
            return False
        if (self.whose or dimension in self.subject.kind.shared) and whose != self.whose:
            return False
        return self.key in ("", self.group_of(subject))

    @property
    def named_by(self) -> str:
        """The column that says which group a bucket is of."""
        return "whose" if self.by == "user" else "subject"

    def group_of(self, name: str) -> str:
        if self.by == "provider":
            return name.partition(":")[0]
        return name if self.by else ""


_DIMENSION = {"provider": "model"}
_instant: ContextVar[datetime | None] = ContextVar("instant", default=None)


@contextmanager
def one_instant() -> Iterator[datetime]:
    """What is read inside is as of the one instant that it gives, with all committed before."""
    if at := _instant.get():
        yield at
        return
    at = fold()
    token = _instant.set(at)
    try:
        with snapshot():
            yield at
    finally:
        _instant.reset(token)


def total(wanted: Wanted, span: Span) -> Tally:
    """Everything in the span."""
    found = _summed(wanted, span.uncut, lambda step, group: "")
    return found.get("", _nothing(wanted))


def series(wanted: Wanted, span: Span) -> list[tuple[datetime, Tally]]:
    """The same step by step, those too in which nothing happened."""
    cut, nothing = span.cut, _nothing(wanted)
    found = _summed(wanted, cut, lambda step, group: step)
    return [(step, found.get(step, nothing)) for step in cut.names]


def groups(wanted: Wanted, span: Span) -> dict[str, Tally]:
    """Each group that anything happened in."""
    return _summed(wanted, span.uncut, lambda step, group: group)


def table(wanted: Wanted, span: Span) -> dict[tuple[datetime, str], Tally]:
    """Each group in each step in which anything happened."""
    return _summed(wanted, span.cut, lambda step, group: (step, group))


Values = tuple[Any, ...]
K = TypeVar("K")


def _summed(wanted: Wanted, cut: Cut, named: Callable[[datetime, str], K]) -> dict[K, Tally]:
    """What buckets hold and torn hours add, by what is `named` of their step and their group."""
    rows: dict[K, list[Values]] = defaultdict(list)
    for step, row in _read(wanted, cut):
        rows[named(step, wanted.group_of(row[0]))].append(row)
    found = {key: Tally.of_rows(wanted.subject.rollup, some) for key, some in rows.items()}
    for step, group, tally in _torn(wanted, cut):
        key = named(step, group)
        found[key] = Tally.sum_of([found[key], tally]) if key in found else tally
    return found


def _read(wanted: Wanted, cut: Cut) -> Iterator[tuple[datetime, Values]]:
    """The step of each bucket; what this is named by, and its numbers last."""
    if not _instant.get():
        fold()
    when = () if cut.is_one else ("starts_at",)
    columns = (wanted.named_by, *when, *columns_of(wanted.subject.rollup))
    steps: dict[datetime, datetime | None] = {}  # groups share them; to find one takes 2 µs
    for grain, starts_at, ends_at in cut.whole:
        rows = wanted.rows().filter(grain=grain, starts_at__gte=starts_at, starts_at__lt=ends_at)
        for row in read_rows(rows, columns):
            if wanted.key and wanted.group_of(row[0]) != wanted.key:
                continue  # SQLite takes a beginning for the same in capitals
            if cut.is_one:
                yield cut.names[0], row
                continue
            if (at := row[1]) not in steps:
                steps[at] = None if cut.is_torn(at) else cut.name_at(at)
            if step := steps[at]:
                yield step, row


def _torn(wanted: Wanted, cut: Cut) -> Iterator[tuple[datetime, str, Tally]]:
    """What each group did in the hours that are torn, from the rows themselves."""
    kind = wanted.subject.kind
    of = {"user_id": wanted.whose} if wanted.whose else {}
    facts = kind.counted_in(cut.torn, cut.name_of, **of)
    for (step, *subject), tally in worth_of(kind, facts, 1):
        if wanted.has(*subject):
            group = wanted.group_of(subject[1] if wanted.by == "user" else subject[2])
            yield step, group, tally


def _nothing(wanted: Wanted) -> Tally:
    return Tally.of_rows(wanted.subject.rollup, [])
