"""Categories × rates → nano-dollars (pure)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from core.money import nano_dollars
from llms.usage import Usage

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Rates:
    """A price row as a call needs it; rates are nano-dollars per million tokens."""

    id: UUID
    effective_from: datetime
    above_input_tokens: int
    input: int | None
    cache_read: int | None
    cache_write: int | None
    output: int | None
    reasoning: int | None

    def for_usage(self, usage: Usage) -> Sequence[tuple[int, int | None]]:
        """Tokens of each category beside their rate."""
        cache_read = self.input if self.cache_read is None else self.cache_read
        cache_write = self.input if self.cache_write is None else self.cache_write
        reasoning = self.output if self.reasoning is None else self.reasoning
        return (
            (usage.input or 0, self.input),
            (usage.cache_read or 0, cache_read),
            (usage.cache_write or 0, cache_write),
            (usage.output or 0, self.output),
            (usage.reasoning or 0, reasoning),
        )


def in_force(prices: Iterable[Rates], at: datetime) -> tuple[Rates, ...]:
    """The tiers of the newest price that had begun at this instant, the highest first."""
    begun = [price for price in prices if price.effective_from <= at]
    if not begun:
        return ()
    newest = max(price.effective_from for price in begun)
    tiers = [price for price in begun if price.effective_from == newest]
    return tuple(sorted(tiers, key=lambda price: -price.above_input_tokens))


def tier_for(tiers: Sequence[Rates], prompt_tokens: int) -> Rates | None:
    """The tier that prices the whole call; `tiers` as from `in_force`."""
    for tier in tiers:
        if prompt_tokens > tier.above_input_tokens or not tier.above_input_tokens:
            return tier
    return None


def cost_nano_usd(rates: Rates | None, usage: Usage) -> int | None:
    """What a call cost, rounded once, half to even; None where a rate that is needed is unknown.

    No tokens cost nothing, whatever the price.
    """
    if not usage.total:
        return 0
    if rates is None or usage.billing:
        return None
    cost = 0
    for tokens, rate in rates.for_usage(usage):
        if tokens and rate is None:
            return None
        cost += tokens * (rate or 0)
    return _divided_half_even(cost, _MILLION)


def highest_cost_nano_usd(tiers: Sequence[Rates], prompt: int, output: int) -> int | None:
    """What so many tokens can cost at most, whatever the categories; None without rates."""
    costs = []
    for rates in tiers:
        if rates.input is None or rates.output is None:
            return None
        dearest_in = max(rates.input, rates.cache_write or 0, rates.cache_read or 0)
        dearest_out = max(rates.output, rates.reasoning or 0)
        costs.append(-(-(prompt * dearest_in + output * dearest_out) // _MILLION))
    return max(costs, default=None)


def nano_rate(per_mtok: Decimal) -> int:
    """A rate in dollars as whole nano-dollars."""
    return int(nano_dollars(per_mtok).to_integral_value())


def _divided_half_even(number: int, by: int) -> int:
    whole, rest = divmod(number, by)
    return whole + (rest * 2 > by or (rest * 2 == by and whole % 2 == 1))
