"""Which calls a period counts: lists show them, and what it says is recounted from them."""

from datetime import datetime

from django.db.models import Min

from budgets.ledger import Calls, ledger
from budgets.models import Budget, BudgetCharge, Scope
from budgets.periods import Span
from budgets.querysets import going_on

# Which calls were theirs is not known for ever: `budgets.proof` tells why.
LOSE_CALLS = frozenset({Scope.GROUP, Scope.CONVERSATION, Scope.DEFINITION})


def opened_at(budget: Budget) -> datetime:
    """The instant its first period was opened with what it had cost; charges tell the rest."""
    opening = budget.periods.filter(going_on(budget.created_at)).aggregate(at=Min("created_at"))
    return opening["at"] or budget.created_at


def calls_counted(budget: Budget, at: datetime) -> Calls:
    """Of the period that an instant lies in; none where it has no row, for then nothing counted.

    Those with a charge, and those that began in it under the budget's key, as far as that is still
    known: of those from before the budget there is no charge. Calls that used nothing, as they
    were refused or answered from a cache, are among the latter.
    """
    period = budget.periods.filter(going_on(at)).order_by("-begins_at").first()
    charged = BudgetCharge.objects.filter(period=period).order_by().values("call_id")
    if period is None:
        return ledger().calls_among(charged.none())
    opened, span = opened_at(budget), Span(period.begins_at, period.ends_at)
    is_first = period.created_at == opened
    if budget.scope == Scope.GROUP:  # from then on, who was a member is in the charges alone
        span = Span(span.begins_at, opened if is_first else span.begins_at)
    elif not is_first:
        span = span._replace(begins_at=max(span.begins_at, opened))
    found = ledger().calls_of(budget.key, span)
    if budget.scope not in LOSE_CALLS and span.begins_at == period.begins_at:
        return found  # all that have a charge, too; to look for millions of these takes seconds
    return ledger().calls_among(charged.union(found.values("id")))
