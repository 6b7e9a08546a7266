"""Model calls as budgets see them: what one may use at most, and what it did use."""

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Q

from audit.context import current
from budgets.amounts import Need, Use
from llms.bounding import Lengths
from llms.errors import BUDGET_EXCEEDED, ProviderError
from llms.ledger import CallRecord

# Of a call that was refused, and is not going to be sent.
NOTHING_USED = {"upper_bound_tokens": 0, "upper_bound_nano_usd": 0}


def need_of(call: CallRecord, keys: Sequence[str], lengths: Lengths | None = None) -> Need:
    """What a call that is about to be made may use; `keys` are what it is for."""
    return Need(
        call_id=call.id,
        at=call.created_at,
        user_id=call.user_id,
        keys=keys_of(call.user_id, keys),
        model=f"{call.provider}:{call.model}",
        tokens=call.upper_bound_tokens,
        nano_usd=call.upper_bound_nano_usd,
        origin=call.origin,
        request_id=call.request_id,
        address=current().address,
        answers=lengths.answers if lengths else range(0),
        use_with=lengths.use_with if lengths else None,
    )


def keys_of(user_id: UUID | None, keys: Sequence[str]) -> tuple[str, ...]:
    """All names under which budgets may count calls of this user for these things."""
    return ("all", f"user:{user_id}", *keys)


def use_of(call: CallRecord) -> Use:
    """What a call that is over has used."""
    heard_of = is_heard_of(call.upper_bound_tokens, call.first_token_ms, call.finish_reason)
    return Use(call.id, heard_of, call.total_tokens, call.cost_nano_usd)


def is_heard_of(most: int | None, first_token_ms: int | None, finish_reason: str) -> bool:
    """Whether a call that is over has metered usage, for which no bound is left, or else a part of
    its answer, or its end. `HEARD_OF` asks the database the same.
    """
    return most is None or first_token_ms is not None or bool(finish_reason)


HEARD_OF = Q(upper_bound_tokens=None) | Q(first_token_ms__isnull=False) | ~Q(finish_reason="")


def refused(why: str) -> ProviderError:
    """What is raised in place of the call: it was never sent, and is not tried again."""
    return ProviderError(BUDGET_EXCEEDED, reason=why, unbilled=True)
