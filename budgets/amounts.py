"""What a call may use, and what it did use, in the unit of a budget (pure)."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from core.money import dollars_text, nano_dollars

TOKENS, NANO_USD = "tokens", "nano_usd"
DENY, CEILING = "deny", "ceiling"
_MILLION = 1_000_000


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


@dataclass(frozen=True, slots=True)
class Need:
    """A call that is about to be made, and what it may use at most; None: nobody knows.

    `keys` are what it is for, as budgets name them: "execution:<uuid>", "definition:<uuid>" ….
    `answers` are the shorter ones that would do, in tokens, and `use_with` tells the tokens and
    nano-dollars with each. `answer` is the one it was cut to.
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
    address: str = ""
    answers: range = range(0)
    use_with: Callable[[int], tuple[int | None, int | None]] | None = None
    answer: int | None = None

    def fitted(self, rule: Rule, left: int) -> "Need | None":
        """With the longest answer for which there is room; None without one that would do."""
        tell = self.use_with
        if tell is None:
            return None
        fitting = bisect_right(self.answers, left, key=lambda one: worst(rule, *tell(one)) or 0)
        if not fitting:
            return None
        answer = self.answers[fitting - 1]
        tokens, nano_usd = tell(answer)
        return replace(self, tokens=tokens, nano_usd=nano_usd, answer=answer)


@dataclass(frozen=True, slots=True)
class Use:
    """A call that is over, as the ledger has it; `heard_of`: the numbers are not from the question
    alone, for the answer or a part of it came, or it is known that none was made.
    """

    call_id: UUID
    heard_of: bool
    tokens: int | None
    nano_usd: int | None


class Counted(NamedTuple):
    """What a call counts for, None where nobody will ever know; and how much of it is a bound."""

    amount: int | None
    bound: int = 0


def worst(rule: Rule, tokens: int | None, nano_usd: int | None) -> int | None:
    """What a call may use at most; None where nobody knows."""
    if rule.unit == TOKENS:
        return tokens
    return _at_ceiling(tokens, rule.ceiling) if nano_usd is None else nano_usd


def used(unit: str, reserved: int | None, ceiling: int | None, use: Use) -> Counted:
    """What a call counts for once it is over: what the ledger says.

    One of which nothing was heard counts as all that was reserved for it, for it may have used
    that; and so does one whose cost the ledger does not know.
    """
    said = use.tokens if unit == TOKENS else use.nano_usd
    if said is None:
        said = _at_ceiling(use.tokens, ceiling)
    if reserved is None or (use.heard_of and said is not None):
        return Counted(said)
    return Counted(most := max(reserved, said or 0), bound=most)


def amount_for_people(unit: str, amount: int) -> str:
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
