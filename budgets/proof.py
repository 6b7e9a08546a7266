"""That every budget says what the ledger says: `manage.py reconcile` asks."""

from collections.abc import Iterator
from operator import add
from typing import NamedTuple

from budgets.amounts import used, worst
from budgets.counting import LOSE_CALLS, opened_at
from budgets.ledger import Calls, ledger
from budgets.models import Budget, BudgetCharge, BudgetPeriod, Scope
from budgets.periods import Span
from core.aggregates import Difference, proof
from core.locks import snapshot


class _Sums(NamedTuple):
    """Named as the columns of a period."""

    spent: int
    bound: int
    reserved: int


@proof
def budget_differences() -> Iterator[Difference]:
    """Of each period, all that its calls used and may use, counted from their rows.

    Which workflow or conversation a call was for is not known once its execution is deleted, and
    who was in a group never afterwards: what these had cost before they had a budget is taken as it
    was counted then. Calls that began later are found by their charges. A call may still come that
    began in the period before the budget was made; what that period had cost is not counted.
    """
    with snapshot():
        found = list(_differences())
    yield from found


def _differences() -> Iterator[Difference]:
    for period in BudgetPeriod.objects.select_related("budget").iterator():
        for name, counted in _counted(period)._asdict().items():
            if counted != (kept := getattr(period, name)):
                yield Difference(f"{BudgetPeriod._meta.label}.{name}", period.pk, kept, counted)


def _counted(period: BudgetPeriod) -> _Sums:
    budget, span = period.budget, Span(period.begins_at, period.ends_at)
    charges = BudgetCharge.objects.filter(period=period).order_by()
    counted = _sums(budget, ledger().calls_among(charges.values("call_id")), charges)
    opened = opened_at(budget)
    if budget.scope in LOSE_CALLS or period.created_at != opened:
        counted = _added(counted, _Sums(period.carried, period.carried_bound, 0))
        span = span._replace(begins_at=max(span.begins_at, opened))
    if budget.scope == Scope.GROUP:
        return counted
    uncharged = ledger().calls_of(budget.key, span).exclude(id__in=charges.values("call_id"))
    return _added(counted, _sums(budget, uncharged, charges.none()))


def _added(left: _Sums, right: _Sums) -> _Sums:
    return _Sums(*map(add, left, right))


def _sums(budget: Budget, calls: Calls, charges: "Calls") -> _Sums:
    """What these calls have used, and may use, as it was reserved where they have a charge."""
    spent, bound, reserved = ledger().plain_sum(calls, budget.unit), 0, 0
    for call in ledger().others(calls, budget.unit):
        charge = charges.filter(call_id=call.use.call_id).first()
        most, ceiling = worst(budget.rule, call.tokens, call.nano_usd), budget.rule.ceiling
        if charge is not None:
            most, ceiling = charge.reserved, charge.ceiling_nano_usd_per_mtok
        if call.open:
            reserved += most or 0
        else:
            counted = used(budget.unit, most, ceiling, call.use)
            spent += counted.amount or 0
            bound += counted.bound
    return _Sums(spent, bound, reserved)
