"""Rollups of a span, added up by step and by group: a few rows each, however long the ledger is."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from analytics.models import Grain, Rollup
from analytics.reports.span import Span
from analytics.rollups.facts import EXECUTIONS, MODEL_CALLS, TOOL_CALLS, FactKind
from analytics.rollups.folding import fold
from analytics.rollups.tallies import Tally


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
class Cell:
    """One row that was read, and the group it belongs to."""

    at: datetime
    group: str
    tally: Tally


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
            rows, user = rows.filter(dimension=whole), self.key or self.whose
            return rows.filter(whose=user) if user else rows.exclude(whose="")
        rows = rows.filter(dimension=_DIMENSION.get(self.by, self.by) or whole, whose=self.whose)
        if self.by == "provider" and self.key:
            return rows.filter(subject__startswith=f"{self.key}:")
        return rows.filter(subject=self.key) if self.key else rows

    def group_of(self, row: Mapping[str, Any]) -> str:
        if self.by == "user":
            return str(row["whose"])
        text = str(row["subject"]) if self.by else ""
        return text.partition(":")[0] if self.by == "provider" else text


_DIMENSION = {"provider": "model"}


def total(wanted: Wanted, span: Span) -> Tally:
    """Everything in the span."""
    whole = Tally.empty(wanted.subject.rollup)
    for cell in _cells(wanted, span.parts):
        whole.take_in(cell.tally)
    return whole


def series(wanted: Wanted, span: Span) -> list[tuple[datetime, Tally]]:
    """The same step by step, those too in which nothing happened."""
    steps = {step: Tally.empty(wanted.subject.rollup) for step in span.steps}
    for cell in _cells(wanted, span.series_parts):
        steps[span.step_of(cell.at)].take_in(cell.tally)
    return list(steps.items())


def groups(wanted: Wanted, span: Span) -> dict[str, Tally]:
    """Each group that anything happened in."""
    found: dict[str, Tally] = {}
    for cell in _cells(wanted, span.parts):
        found.setdefault(cell.group, Tally.empty(wanted.subject.rollup)).take_in(cell.tally)
    return found


def table(wanted: Wanted, span: Span) -> dict[tuple[datetime, str], Tally]:
    """Each group in each step in which anything happened."""
    found: dict[tuple[datetime, str], Tally] = {}
    for cell in _cells(wanted, span.series_parts):
        at = span.step_of(cell.at), cell.group
        found.setdefault(at, Tally.empty(wanted.subject.rollup)).take_in(cell.tally)
    return found


def _cells(wanted: Wanted, parts: Iterable[tuple[Grain, datetime, datetime]]) -> Iterator[Cell]:
    fold()
    rollup, rows = wanted.subject.rollup, wanted.rows()
    spread = (f"{name}_{part}" for name in rollup.SPREADS for part in _SPREAD)
    columns = ("starts_at", "whose", "subject", *rollup.SUMS, *spread)
    for grain, starts_at, ends_at in parts:
        part = rows.filter(grain=grain, starts_at__gte=starts_at, starts_at__lt=ends_at)
        for row in part.values(*columns).iterator():
            yield Cell(row["starts_at"], wanted.group_of(row), Tally.of_row(rollup, row))


_SPREAD = ("count", "ms", "min", "max", "histogram")
