"""What a rollup is made of: which rows count, in which bucket, for which subjects, and for what."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache, reduce
from operator import itemgetter, or_
from typing import Any
from uuid import UUID

from django.db.models import CharField, Model, Q, QuerySet
from django.db.models.functions import Cast

from analytics.models import ExecutionRollup, ModelRollup, Rollup, ToolRollup
from core.spans import second
from llms.models import AnsweredBy, CallStatus, Exactness, ModelCall
from tools.models import ToolAnsweredBy, ToolCall, ToolCallStatus
from workflows.models import ExecutionStatus, Rerun, WorkflowExecution
from workflows.totals import COUNTED, TOKENS

Row = Mapping[str, Any]
Fact = Sequence[Any]  # when: the hour since 1970, usually; then the columns of its kind
Columns = Mapping[str, Sequence[Any]]
Worth = tuple[tuple[int, ...], tuple[Sequence[int | None], ...]]
HOUR_S = 3600
DAY = timedelta(days=1)
_HOUR = slice(11, 13)  # of an instant as text
_AT_ONCE = 2_000
_TIMES_AT_ONCE = 100  # SQLite takes fewer than a thousand conditions


@dataclass(frozen=True, slots=True)
class FactKind:
    """One kind of row that is added up. `at` is what puts it in a bucket; null in `over`: not yet.

    `what` names the columns that say what a row is, `numbers` those that say how much. Rows alike
    in the former are counted together: `worth(what, numbers)`, given a column of values for each
    number, gives what they add to `SUMS` and, by position, the values in `SPREADS` (null: none).
    `subjects(what)` gives their `(dimension, subject)`; each is kept for the rows' user, and for
    all users together where many share one (`shared`).
    `of_subject` finds the rows of one again, `spread` names the columns that are spread, and
    `statuses` are what a row's status may be.
    """

    key: str
    source: type[Model]
    rollup: type[Rollup]
    at: str
    over: str
    what: tuple[str, ...]
    numbers: tuple[str, ...]
    worth: Callable[[Row, Columns], Worth]
    subjects: Callable[[Row], Iterator[tuple[str, str]]]
    shared: frozenset[str]
    of_subject: Callable[[str, str], Q]
    spread: tuple[str, ...]
    statuses: list[str]

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.what, *self.numbers)

    def facts_of(self, rows: Iterable[Row]) -> list[list[Any]]:
        """For a column of JSON, where ids become texts; those not over are left out."""
        at, over, of = self.at, self.over, itemgetter(*self.columns)
        return [[_hour_of(row[at]), *of(row)] for row in rows if row[over] is not None]

    def counted(self) -> QuerySet[Any]:
        """All rows that count."""
        return self.source._base_manager.filter(**{f"{self.over}__isnull": False})

    def counted_between(self, starts_at: datetime, ends_at: datetime) -> Iterator[Fact]:
        """The facts of all rows that count, within one day of UTC."""
        first = _hour_of(starts_at) - starts_at.hour
        hours = {f"{hour:02}": first + hour for hour in range(24)}
        rows = self.counted().filter(self._within(starts_at, ends_at))
        return self._facts(rows, lambda at: hours[at[_HOUR]])

    def counted_in(
        self, times: Sequence[tuple[datetime, datetime]], when: Callable[[str], Any], **of: Any
    ) -> Iterator[Fact]:
        """Those of rows `of` something, in times apart from each other.

        They begin with what `when` makes of the instant as text (`core.spans.second`).
        """
        for at in range(0, len(times), _TIMES_AT_ONCE):
            within = (self._within(*time) for time in times[at : at + _TIMES_AT_ONCE])
            yield from self._facts(self.counted().filter(reduce(or_, within), **of), when)

    def _within(self, starts_at: datetime, ends_at: datetime) -> Q:
        return Q(**{f"{self.at}__gte": starts_at, f"{self.at}__lt": ends_at})

    def _facts(self, rows: QuerySet[Any], when: Callable[[str], Any]) -> Iterator[Fact]:
        """Times and ids are read as text: to make objects of them took longer than all else."""
        what = (Cast(name, CharField()) for name in self.what)
        read = rows.order_by().values_list(second(self.at), *what, *self.numbers)
        for at, *values in read.iterator(_AT_ONCE):
            yield when(at), *values


def _hour_of(at: datetime) -> int:
    return int(at.timestamp()) // HOUR_S


@lru_cache(4_096)
def id_text(value: str) -> str:
    """An id as it is told; SQLite keeps it without dashes."""
    return str(UUID(value))


# --- executions ------------------------------------------------------------------------------


_ENDS = (ExecutionStatus.COMPLETED, ExecutionStatus.FAILED, ExecutionStatus.CANCELLED)


def _execution_worth(what: Row, numbers: Columns) -> Worth:
    """A replay did nothing; the calls it names count, at no cost."""
    durations = numbers["duration_ms"] if what["rerun"] != Rerun.REPLAY else ()
    ends = (len(durations) if what["status"] == one else 0 for one in _ENDS)
    return (*ends, *(sum(numbers[name]) for name in COUNTED)), (durations,)


def _execution_subjects(what: Row) -> Iterator[tuple[str, str]]:
    yield "", ""
    yield "status", what["status"]
    if what["template_id"]:
        yield "template", id_text(what["template_id"])
    if what["definition_id"]:
        definition = id_text(what["definition_id"])
        yield "definition", definition
        yield "version", f"{definition}:{id_text(what['version_id'])}"


def _executions_of(dimension: str, subject: str) -> Q:
    real = ~Q(rerun=Rerun.REPLAY)
    if dimension == "version":
        definition, _, version = subject.partition(":")
        return real & Q(definition_id=definition, version_id=version)
    if dimension == "status":
        return real & Q(status=subject)
    return real & Q(**{f"{dimension}_id": subject}) if dimension else real


EXECUTIONS = FactKind(
    key="executions",
    source=WorkflowExecution,
    rollup=ExecutionRollup,
    at="finished_at",
    over="finished_at",
    what=("user_id", "template_id", "definition_id", "version_id", "status", "rerun"),
    numbers=("duration_ms", *COUNTED),
    worth=_execution_worth,
    subjects=_execution_subjects,
    shared=frozenset({"", "status", "template"}),
    of_subject=_executions_of,
    spread=("duration_ms",),
    statuses=ExecutionStatus.values,
)


# --- model calls -----------------------------------------------------------------------------

_CALL_ENDS = (CallStatus.FAILED, CallStatus.CANCELLED, CallStatus.LOST)
_INEXACT = (Exactness.ESTIMATED, Exactness.UNPRICED, Exactness.OPEN)


def _call_worth(what: Row, numbers: Columns) -> Worth:
    latencies, first_tokens = numbers["latency_ms"], numbers["first_token_ms"]
    count = len(latencies)
    asked = count if what["answered_by"] == AnsweredBy.PROVIDER else 0
    ends = (asked if what["status"] == one else 0 for one in _CALL_ENDS)
    inexact = (count if what["exactness"] == one else 0 for one in _INEXACT)
    known = (sum(filter(None, numbers[name])) for name in (*TOKENS, "cost_nano_usd"))
    return (*ends, count - asked, count, *inexact, *known), (latencies, first_tokens)


def _call_subjects(what: Row) -> Iterator[tuple[str, str]]:
    yield "model", f"{what['provider']}:{what['model']}"
    yield "status", what["status"]


def _calls_of(dimension: str, subject: str) -> Q:
    if dimension == "status":
        return Q(status=subject)
    provider, _, model = subject.partition(":")
    return Q(provider=provider, model=model)


MODEL_CALLS = FactKind(
    key="model_calls",
    source=ModelCall,
    rollup=ModelRollup,
    at="started_at",
    over="settled_at",
    what=("user_id", "provider", "model", "status", "exactness", "answered_by"),
    numbers=(*TOKENS, "cost_nano_usd", "latency_ms", "first_token_ms"),
    worth=_call_worth,
    subjects=_call_subjects,
    shared=frozenset({"model", "status"}),
    of_subject=_calls_of,
    spread=("latency_ms", "first_token_ms"),
    statuses=CallStatus.values,
)


# --- tool calls ------------------------------------------------------------------------------

_TOOL_ENDS = (
    ToolCallStatus.FAILED,
    ToolCallStatus.REFUSED,
    ToolCallStatus.TIMED_OUT,
    ToolCallStatus.CANCELLED,
    ToolCallStatus.LOST,
)


def _tool_worth(what: Row, numbers: Columns) -> Worth:
    latencies = numbers["latency_ms"]
    count = len(latencies)
    made = count if what["answered_by"] == ToolAnsweredBy.TOOL else 0
    ends = (made if what["status"] == one else 0 for one in _TOOL_ENDS)
    return (count, *ends, count - made), (latencies,)


def _tool_subjects(what: Row) -> Iterator[tuple[str, str]]:
    yield "tool", what["tool"]
    yield "status", what["status"]


def _tool_calls_of(dimension: str, subject: str) -> Q:
    return Q(**{dimension: subject})


TOOL_CALLS = FactKind(
    key="tool_calls",
    source=ToolCall,
    rollup=ToolRollup,
    at="started_at",
    over="settled_at",
    what=("user_id", "tool", "status", "answered_by"),
    numbers=("latency_ms",),
    worth=_tool_worth,
    subjects=_tool_subjects,
    shared=frozenset({"status", "tool"}),
    of_subject=_tool_calls_of,
    spread=("latency_ms",),
    statuses=ToolCallStatus.values,
)

KINDS = {kind.key: kind for kind in (EXECUTIONS, MODEL_CALLS, TOOL_CALLS)}
