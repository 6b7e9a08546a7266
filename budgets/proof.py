"""That every budget says what the ledger says: `manage.py reconcile` asks."""

from collections.abc import Iterator

from budgets.amounts import used, worst
from budgets.ledger import Calls, ledger
from budgets.models import Budget, BudgetCharge, BudgetPeriod, Scope
from budgets.periods import Span
from core.aggregates import Difference, proof


@proof
def budget_differences() -> Iterator[Difference]:
    """Of each period, all that its calls used and may use, counted from their rows.

    Who was in a group is not known afterwards; its calls are found by their charges, and what it
    had cost before it had a budget is taken as it was counted then. The same of what is gone.
    """
    for period in BudgetPeriod.objects.select_related("budget").iterator():
        spent, reserved = _counted(period)
        name = BudgetPeriod._meta.label
        if spent != period.spent:
            yield Difference(f"{name}.spent", period.pk, period.spent, spent)
        if reserved != period.reserved:
            yield Difference(f"{name}.reserved", period.pk, period.reserved, reserved)


def _counted(period: BudgetPeriod) -> tuple[int, int]:
    budget = period.budget
    charges = BudgetCharge.objects.filter(period=period).order_by()
    spent, reserved = _sums(budget, ledger().calls_among(charges.values("call_id")), charges)
    if budget.scope == Scope.GROUP or not ledger().exists(budget.key):
        return spent + period.carried, reserved
    span = Span(period.begins_at, period.ends_at)
    uncharged = ledger().calls_of(budget.key, span).exclude(id__in=charges.values("call_id"))
    more_spent, more_reserved = _sums(budget, uncharged, charges.none())
    return spent + more_spent, reserved + more_reserved


def _sums(budget: Budget, calls: Calls, charges: "Calls") -> tuple[int, int]:
    """What these calls have used, and may use, as it was reserved where they have a charge."""
    spent, reserved = ledger().plain_sum(calls, budget.unit), 0
    for call in ledger().others(calls, budget.unit):
        charge = charges.filter(call_id=call.use.call_id).first()
        most, ceiling = worst(budget.rule, call.tokens, call.nano_usd), budget.rule.ceiling
        if charge is not None:
            most, ceiling = charge.reserved, charge.ceiling_nano_usd_per_mtok
        if call.open:
            reserved += most or 0
        else:
            spent += used(budget.unit, most, ceiling, call.use) or 0
    return spent, reserved
