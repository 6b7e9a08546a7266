"""What a run is going to cost and take: as those before it did, and at most."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from accounts.models import User
from budgets.selectors import Short, short_of
from llms.budgeting import keys_of
from workflows.engine.request import ExecutionRequest
from workflows.limits import limits_in
from workflows.models import ExecutionStatus, WorkflowExecution, WorkflowVersion
from workflows.selectors import bound_graph
from workflows.services.planning import plan_execution
from workflows.totals import TOKENS
from workflows.validation import WorstCase, worst_case

LATEST = 1_000
_LATE = 0.95
_COLUMNS = ("duration_ms", "cost_nano_usd", "unpriced_calls", "open_calls", *TOKENS)


@dataclass(frozen=True, slots=True)
class Seen:
    """Of so many executions; without any, nothing is known."""

    executions: int
    mean: int | None
    p95: int | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """`cost` and `tokens` are of those executions of which they are known."""

    version: WorkflowVersion
    duration_ms: Seen
    tokens: Seen
    cost_nano_usd: Seen
    at_most: WorstCase
    short: Sequence[Short]


def forecast(user: User, request: ExecutionRequest) -> Forecast:
    """Nothing is written or begun. Raises what `plan_execution` raises: then it cannot begin."""
    execution = plan_execution(user, request, stores=False).execution
    graph = bound_graph(execution.version, execution.parameters)
    at_most = worst_case(graph, user, limits_in(execution))
    keys = keys_of(user.pk, execution.budget_keys)
    rows = _rows(user, execution)
    return Forecast(
        version=execution.version,
        duration_ms=_seen([row["duration_ms"] for row in rows]),
        tokens=_seen([sum(row[name] for name in TOKENS) for row in rows if not row["open_calls"]]),
        cost_nano_usd=_seen(
            [
                row["cost_nano_usd"]
                for row in rows
                if not row["open_calls"] and not row["unpriced_calls"]
            ]
        ),
        at_most=at_most,
        short=short_of(keys, user.pk, at_most.tokens, at_most.nano_usd),
    )


def _rows(user: User, execution: WorkflowExecution) -> list[dict[str, Any]]:
    """The latest that went well, of what this user may see; reruns take a part from recordings."""
    seen = WorkflowExecution.objects.visible_to(user).filter(
        version=execution.version, status=ExecutionStatus.COMPLETED, rerun=""
    )
    return list(seen.order_by("-id").values(*_COLUMNS)[:LATEST])


def _seen(numbers: Sequence[int]) -> Seen:
    if not numbers:
        return Seen(0, None, None)
    late = sorted(numbers)[ceil(_LATE * len(numbers)) - 1]
    return Seen(len(numbers), round(sum(numbers) / len(numbers)), late)
