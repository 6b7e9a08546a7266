"""How a budget stands in the period there is now."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from budgets.models import Budget, BudgetPeriod
from budgets.periods import Span, span_at

_TICK = timedelta(milliseconds=1)
_SOON = 100  # before a hundredth of the period, a mean says nothing


@dataclass(frozen=True, slots=True)
class Standing:
    """`left` is what calls may still reserve; `forecast` is None where there is no telling.

    `bound` is the part of `spent` that is no more than a bound. `unknown_calls` used an amount that
    nobody knows, which is in none of these numbers. `reached` is the highest threshold that was
    told of, in percent.
    """

    span: Span
    spent: int
    bound: int
    reserved: int
    left: int
    forecast: int | None
    unknown_calls: int
    reached: int | None


def standing_of(budget: Budget, at: datetime) -> Standing:
    """Of a budget from `for_list()`; a period without a call has no row."""
    span = span_at(budget.period, budget.time_zone, at)
    running: list[BudgetPeriod] = budget.running  # type: ignore[attr-defined]
    found = next((one for one in running if one.begins_at == span.begins_at), BudgetPeriod())
    return Standing(
        span,
        found.spent,
        found.bound,
        found.reserved,
        max(budget.cap - found.spent - found.reserved, 0),
        _forecast(span, found.spent, at),
        found.unknown_calls,
        found.warned or None,
    )


def _forecast(span: Span, spent: int, at: datetime) -> int | None:
    """What it will be at the end of the period, if it goes on as in the mean so far."""
    if span.ends_at is None:
        return None
    whole, gone = span.ends_at - span.begins_at, at - span.begins_at
    if gone * _SOON < whole:
        return None
    return spent * (whole // _TICK) // (gone // _TICK)
