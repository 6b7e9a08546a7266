"""The first period of a budget: what it had cost before there was a budget."""

from datetime import datetime

from django.db.models import Max

from budgets.amounts import used, worst
from budgets.ledger import Called, ledger
from budgets.models import Budget, BudgetCharge, BudgetPeriod
from budgets.periods import Span, span_at
from core.bulk import insert_rows
from core.models import new_id


def open_period(budget: Budget, at: datetime) -> BudgetPeriod:
    """The period with what its calls have used, and those under way charged.

    Nobody may begin or end a call meanwhile; the budget's row is there.
    """
    span = span_at(budget.period, budget.time_zone, at)
    period = BudgetPeriod.objects.create(
        budget=budget, begins_at=span.begins_at, ends_at=span.ends_at
    )
    calls = ledger().calls_of(budget.key, span)
    period.spent = ledger().plain_sum(calls, budget.unit)
    charges = []
    for call in ledger().others(calls, budget.unit):
        most = worst(budget.rule, call.tokens, call.nano_usd)
        if call.open:
            charges.append(_charge(budget, period, call, most))
            period.reserved += most or 0
        else:
            period.count(used(budget.unit, most, budget.rule.ceiling, call.use))
    insert_rows(BudgetCharge, charges)
    period.carried, period.carried_bound = period.spent, period.bound
    period.created_at = _behind_all(budget, period.created_at)
    return period


def _behind_all(budget: Budget, at: datetime) -> datetime:
    """`at`, or the first instant after all calls there are: `reconcile` tells by it which came
    later, and a clock may have been put back, or be behind that of another host.
    """
    ahead = ledger().calls_of(budget.key, Span(at, None)).aggregate(last=Max("created_at"))
    return ahead["last"] + datetime.resolution if ahead["last"] else at


def _charge(
    budget: Budget, period: BudgetPeriod, call: Called, most: int | None
) -> dict[str, object]:
    return {
        "id": new_id(),
        "period_id": period.id,
        "call_id": call.use.call_id,
        "reserved": most,
        "ceiling_nano_usd_per_mtok": budget.rule.ceiling,
    }
