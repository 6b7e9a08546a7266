"""What the apps above know of calls, in the words of budgets: found by dotted path."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.utils.module_loading import import_string

from budgets.amounts import Use
from budgets.periods import Span

if TYPE_CHECKING:
    from accounts.models import User

Calls = QuerySet[Any]  # rows of the ledger; their primary key is what a charge calls `call_id`


@dataclass(frozen=True, slots=True)
class Called:
    """One call; while it is open, `tokens` and `nano_usd` are what it may use at most."""

    use: Use
    open: bool
    tokens: int | None
    nano_usd: int | None


class Ledger(Protocol):
    """Answers from the rows of model calls, and from what they are for."""

    def calls_of(self, key: str, span: Span) -> Calls:
        """The calls under a budget's key that began in this span."""

    def calls_among(self, ids: QuerySet[Any]) -> Calls:
        """Those whose ids a subquery gives."""

    def plain_sum(self, calls: Calls, unit: str) -> int:
        """What calls used that are over and were heard of, where the ledger knows how much."""

    def others(self, calls: Calls, unit: str) -> Iterator[Called]:
        """All others of them, one by one."""

    def may_limit(self, user: "User", scope: str, pk: UUID) -> bool:
        """Whether this is a conversation, definition or execution that is this user's to limit."""

    def exists(self, key: str) -> bool:
        """Whether what the key names is still there, and its calls can be found."""


@cache
def ledger() -> Ledger:
    """The one of this installation."""
    found: Ledger = import_string(settings.CHATTER_BUDGET_LEDGER)()
    return found
