"""Model calls as budgets see them: what one may use at most, and what it did use."""

from collections.abc import Sequence
from uuid import UUID

from budgets.amounts import Need, Use
from llms.errors import BUDGET_EXCEEDED, ProviderError
from llms.ledger import CallRecord

# Of a call that was refused, and is not going to be sent.
NOTHING_USED = {"upper_bound_tokens": 0, "upper_bound_nano_usd": 0}


def need_of(call: CallRecord, keys: Sequence[str]) -> Need:
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
    )


def keys_of(user_id: UUID | None, keys: Sequence[str]) -> tuple[str, ...]:
    """All names under which budgets may count calls of this user for these things."""
    return ("all", f"user:{user_id}", *keys)


def use_of(call: CallRecord) -> Use:
    """What a call that is over has used. A bound is left where no provider told."""
    told = call.upper_bound_tokens is None
    return Use(call.id, told, call.total_tokens, call.cost_nano_usd)


def refused(why: str) -> ProviderError:
    """What is raised in place of the call: it was never sent, and is not tried again."""
    return ProviderError(BUDGET_EXCEEDED, reason=why, unbilled=True)
