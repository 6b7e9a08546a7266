"""Warns once for each period and threshold of a budget, as it is crossed."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from audit.record import Entry, record_many
from budgets.models import Budget, BudgetPeriod

_HUNDRED = 100


def warn(touched: Sequence[tuple[Budget, BudgetPeriod]]) -> None:
    """Report the thresholds crossed since the last time, and note them in `warned` of the period.

    Called in the transaction that writes what was used; the caller writes `warned`.
    """
    crossed = []
    for budget, period in touched:
        new = [at for at in _crossed(budget, period) if at > period.warned]
        crossed += [(budget, period, at) for at in new]
        period.warned = max([period.warned, *new])
    if not crossed:
        return
    record_many([_entry(budget, period, at) for budget, period, at in crossed])
    for notify in _listeners():
        notify([(budget, warning_data(budget, period, at)) for budget, period, at in crossed])


def forget_above(budget: Budget, period: BudgetPeriod) -> None:
    """After a change: thresholds that lie ahead again are reported when they are crossed, and those
    that are none any more are not the highest that is reached.

    The caller writes `warned`.
    """
    period.warned = min(period.warned, max(_crossed(budget, period), default=0))


def _crossed(budget: Budget, period: BudgetPeriod) -> list[int]:
    """The thresholds that are reached, the lowest first."""
    if not period.spent:
        return []
    return sorted(at for at in budget.warn_at if period.spent * _HUNDRED >= budget.cap * at)


def warning_data(budget: Budget, period: BudgetPeriod, at: int) -> dict[str, Any]:
    """A warning's data; amounts are in nano-dollars or tokens."""
    return {
        "budget": str(budget.id),
        "name": budget.name,
        "key": budget.key,
        "threshold": at,
        "unit": budget.unit,
        "cap": budget.cap,
        "spent": period.spent,
        "bound": period.bound,
        "reserved": period.reserved,
        "begins_at": period.begins_at.isoformat(),
        "ends_at": period.ends_at and period.ends_at.isoformat(),
    }


def _entry(budget: Budget, period: BudgetPeriod, at: int) -> Entry:
    data = warning_data(budget, period, at)
    return Entry(
        action="budgets.budget.warned",
        actor=None,
        target=budget,
        personal={"name": data.pop("name")},
        detail=data,
    )


@cache
def _listeners() -> list[Callable[[Sequence[tuple[Budget, Mapping[str, Any]]]], None]]:
    return [import_string(path) for path in settings.CHATTER_BUDGET_WARNINGS]
