"""The ledger as budgets ask it: whose calls, in which time, and what they used."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet, Sum

from budgets.amounts import TOKENS, Use
from budgets.ledger import Called, Calls
from budgets.periods import Span
from llms.budgeting import HEARD_OF, is_heard_of
from llms.models import CallStatus, ModelCall

# An id holds the time at which it was made, just after the row's own.
_ABOUT = timedelta(days=1)
_COLUMNS = (
    *("id", "status", "total_tokens", "cost_nano_usd"),
    *("upper_bound_nano_usd", "upper_bound_tokens", "first_token_ms", "finish_reason"),
)


class CallLedger:
    """Implements `budgets.ledger.Ledger` for everybody, users, groups and executions."""

    def calls_of(self, key: str, span: Span) -> Calls:
        rows = ModelCall.objects.filter(self._named(key, span), created_at__gte=span.begins_at)
        rows = rows.filter(id__gte=_first_id(span.begins_at - _ABOUT))
        if span.ends_at is not None:
            until = _first_id(span.ends_at + _ABOUT)
            rows = rows.filter(created_at__lt=span.ends_at, id__lt=until)
        return rows.order_by()

    def calls_among(self, ids: QuerySet[Any]) -> Calls:
        return ModelCall.objects.filter(id__in=ids).order_by()

    def plain_sum(self, calls: Calls, unit: str) -> int:
        column = _column(unit)
        found: int | None = calls.filter(_plain(unit)).aggregate(sum=Sum(column))["sum"]
        return found or 0

    def others(self, calls: Calls, unit: str) -> Iterator[Called]:
        rows = calls.exclude(_plain(unit)).values_list(*_COLUMNS)
        for pk, status, tokens, cost, most_cost, *came in rows.iterator():
            use = Use(pk, is_heard_of(*came), tokens, cost)
            yield Called(use, status == CallStatus.OPEN, came[0], most_cost)

    def _named(self, key: str, span: Span) -> Q:
        scope, _, pk = key.partition(":")
        if scope == "all":
            return Q()
        if scope == "user":
            return Q(user=UUID(pk))
        if scope == "group":
            return Q(user__groups=int(pk))
        return Q(origin=key)


def _column(unit: str) -> str:
    return "total_tokens" if unit == TOKENS else "cost_nano_usd"


def _plain(unit: str) -> Q:
    over = ~Q(status=CallStatus.OPEN)
    return over & HEARD_OF & ~Q(**{_column(unit): None})


def _first_id(at: datetime) -> UUID:
    """Below any that is made from this instant on."""
    return UUID(int=max(int(at.timestamp() * 1000), 0) << 80)
