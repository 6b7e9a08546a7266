"""What a call may use, and what it did use, in the unit of a budget (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from core.money import dollars_text, nano_dollars

TOKENS, NANO_USD = "tokens", "nano_usd"
DENY, CEILING = "deny", "ceiling"
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Need:
    """A call that is about to be made, and what it may use at most; None: nobody knows.

    `keys` are what it is for, as budgets name them: "execution:<uuid>", "definition:<uuid>" ….
    """

    call_id: UUID
    at: datetime
    user_id: UUID | None
    keys: Sequence[str]
    model: str
    tokens: int | None
    nano_usd: int | None
    origin: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Use:
    """A call that is over. `told`: these are the provider's numbers, or it was never asked."""

    call_id: UUID
    told: bool
    tokens: int | None
    nano_usd: int | None


@dataclass(frozen=True, slots=True)
class Rule:
    """How a budget counts."""

    unit: str
    unpriced: str = DENY
    ceiling_nano_usd_per_mtok: int | None = None

    @property
    def ceiling(self) -> int | None:
        """What a million tokens without a price count as; None: such calls are not made."""
        return self.ceiling_nano_usd_per_mtok if self.unpriced == CEILING else None


def worst(rule: Rule, tokens: int | None, nano_usd: int | None) -> int | None:
    """What a call may use at most; None where nobody knows."""
    if rule.unit == TOKENS:
        return tokens
    return _at_ceiling(tokens, rule.ceiling) if nano_usd is None else nano_usd


def used(unit: str, reserved: int | None, ceiling: int | None, use: Use) -> int | None:
    """What a call counts for once it is over; None where nobody will ever know.

    What no provider told counts as the worst case that was reserved: it may have been that.
    """
    known = use.tokens if unit == TOKENS else use.nano_usd
    if use.told and known is None:
        known = _at_ceiling(use.tokens, ceiling)
    if use.told and known is not None:
        return known
    bounds = [one for one in (reserved, known) if one is not None]
    return max(bounds, default=None)


def shown(unit: str, amount: int) -> str:
    """For people: "1,200 tokens", "$0.05"."""
    if unit == TOKENS:
        return f"{amount:,} tokens"
    return f"${dollars_text(amount)}"


def text_of(unit: str, amount: int | None) -> str | None:
    """As the API writes it: dollars, or tokens."""
    if amount is None:
        return None
    return str(amount) if unit == TOKENS else dollars_text(amount)


def in_units(unit: str, amount: Decimal) -> int:
    """Dollars, or tokens, as they are kept. Raises ValueError for parts of what has none."""
    whole = amount if unit == TOKENS else nano_dollars(amount)
    if whole != int(whole):
        raise ValueError("An amount is whole tokens, or dollars with at most nine digits.")
    return int(whole)


def _at_ceiling(tokens: int | None, ceiling: int | None) -> int | None:
    if tokens is None or ceiling is None:
        return None
    return -(-tokens * ceiling // _MILLION)
