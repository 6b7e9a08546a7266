"""What a rollup is made of: which rows count, in which bucket, for which subjects, and for what."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Model, Q, QuerySet

from analytics.models import ExecutionRollup, ModelRollup, Rollup, ToolRollup
from llms.models import AnsweredBy, CallStatus, Exactness, ModelCall
from tools.models import ToolAnsweredBy, ToolCall, ToolCallStatus
from workflows.models import ExecutionStatus, Rerun, WorkflowExecution
from workflows.totals import COUNTED, TOKENS

Row = Mapping[str, Any]
HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class FactKind:
    """One kind of row that is added up. `at` is what puts it in a bucket; null in `over`: not yet.

    `worth(row)` gives what it adds to `SUMS` and, by position, to `SPREADS` (null: nothing).
    `subjects(row)` gives its `(dimension, subject)`; each is kept for the row's user, and for all
    of them together where many share one (`shared`).
    `of_subject` finds the rows of one again, `spread` names the columns that are spread.
    """

    key: str
    source: type[Model]
    rollup: type[Rollup]
    at: str
    over: str
    columns: tuple[str, ...]
    worth: Callable[[Row], tuple[tuple[int, ...], tuple[int | None, ...]]]
    subjects: Callable[[Row], Iterator[tuple[str, str]]]
    shared: frozenset[str]
    of_subject: Callable[[str, str], Q]
    spread: tuple[str, ...]

    def told(self, rows: Iterable[Row]) -> list[list[Any]]:
        """The rows as JSON: the hour since 1970, then the columns. Those not over are left out."""
        return [
            [hour_of(row[self.at]), *(_plain(row[name]) for name in self.columns)]
            for row in rows
            if row[self.over] is not None
        ]

    def counted(self) -> QuerySet[Any]:
        """All rows that count."""
        return self.source._base_manager.filter(**{f"{self.over}__isnull": False})


def hour_of(at: datetime) -> int:
    return int(at.timestamp()) // HOUR_S


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int) else str(value)


# --- executions ------------------------------------------------------------------------------


def _execution_worth(row: Row) -> tuple[tuple[int, ...], tuple[int | None, ...]]:
    """A replay did nothing; the calls it names count, at no cost."""
    real, status = row["rerun"] != Rerun.REPLAY, row["status"]
    ends = (
        int(real and status == one)
        for one in (ExecutionStatus.COMPLETED, ExecutionStatus.FAILED, ExecutionStatus.CANCELLED)
    )
    totals = (row[name] for name in COUNTED)
    return (*ends, *totals), (row["duration_ms"] if real else None,)


def _execution_subjects(row: Row) -> Iterator[tuple[str, str]]:
    yield "", ""
    if row["template_id"]:
        yield "template", str(row["template_id"])
    if row["definition_id"]:
        yield "definition", str(row["definition_id"])
        yield "version", f"{row['definition_id']}:{row['version_id']}"


def _executions_of(dimension: str, subject: str) -> Q:
    real = ~Q(rerun=Rerun.REPLAY)
    if dimension == "version":
        definition, _, version = subject.partition(":")
        return real & Q(definition_id=definition, version_id=version)
    return real & Q(**{f"{dimension}_id": subject}) if dimension else real


EXECUTIONS = FactKind(
    key="executions",
    source=WorkflowExecution,
    rollup=ExecutionRollup,
    at="finished_at",
    over="finished_at",
    columns=(
        *("user_id", "template_id", "definition_id", "version_id", "status", "rerun"),
        *("duration_ms", *COUNTED),
    ),
    worth=_execution_worth,
    subjects=_execution_subjects,
    shared=frozenset({"", "template"}),
    of_subject=_executions_of,
    spread=("duration_ms",),
)


# --- model calls -----------------------------------------------------------------------------

_INEXACT = (Exactness.ESTIMATED, Exactness.UNPRICED, Exactness.OPEN)


def _call_worth(row: Row) -> tuple[tuple[int, ...], tuple[int | None, ...]]:
    asked, status = row["answered_by"] == AnsweredBy.PROVIDER, row["status"]
    ends = (
        int(asked and status == one)
        for one in (CallStatus.FAILED, CallStatus.CANCELLED, CallStatus.LOST)
    )
    inexact = (int(row["exactness"] == one) for one in _INEXACT)
    known = (row[name] or 0 for name in (*TOKENS, "cost_nano_usd"))
    return (
        (*ends, int(not asked), 1, *inexact, *known),
        (row["latency_ms"], row["first_token_ms"]),
    )


def _call_subjects(row: Row) -> Iterator[tuple[str, str]]:
    yield "model", f"{row['provider']}:{row['model']}"


def _calls_of(dimension: str, subject: str) -> Q:
    provider, _, model = subject.partition(":")
    return Q(provider=provider, model=model)


MODEL_CALLS = FactKind(
    key="model_calls",
    source=ModelCall,
    rollup=ModelRollup,
    at="started_at",
    over="settled_at",
    columns=(
        *("user_id", "provider", "model", "status", "exactness", "answered_by", *TOKENS),
        *("cost_nano_usd", "latency_ms", "first_token_ms"),
    ),
    worth=_call_worth,
    subjects=_call_subjects,
    shared=frozenset({"model"}),
    of_subject=_calls_of,
    spread=("latency_ms", "first_token_ms"),
)


# --- tool calls ------------------------------------------------------------------------------

_TOOL_ENDS = (
    ToolCallStatus.FAILED,
    ToolCallStatus.REFUSED,
    ToolCallStatus.TIMED_OUT,
    ToolCallStatus.CANCELLED,
    ToolCallStatus.LOST,
)


def _tool_worth(row: Row) -> tuple[tuple[int, ...], tuple[int | None, ...]]:
    made = row["answered_by"] == ToolAnsweredBy.TOOL
    ends = (int(made and row["status"] == one) for one in _TOOL_ENDS)
    return (1, *ends, int(not made)), (row["latency_ms"],)


def _tool_subjects(row: Row) -> Iterator[tuple[str, str]]:
    yield "tool", row["tool"]


def _tool_calls_of(dimension: str, subject: str) -> Q:
    return Q(tool=subject)


TOOL_CALLS = FactKind(
    key="tool_calls",
    source=ToolCall,
    rollup=ToolRollup,
    at="started_at",
    over="settled_at",
    columns=("user_id", "tool", "status", "answered_by", "latency_ms"),
    worth=_tool_worth,
    subjects=_tool_subjects,
    shared=frozenset({"tool"}),
    of_subject=_tool_calls_of,
    spread=("latency_ms",),
)

KINDS = {kind.key: kind for kind in (EXECUTIONS, MODEL_CALLS, TOOL_CALLS)}
