"""Money is exact, rounded once, and never guessed."""

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

from hypothesis import given
from hypothesis import strategies as st

from core.models import new_id
from core.money import dollars, dollars_text
from llms.pricing import Rates, cost_nano_usd, highest_cost_nano_usd, in_force, tier_for
from llms.usage import Usage

counts = st.integers(0, 5_000_000)
rates = st.integers(0, 200_000_000_000)
usages = st.builds(Usage, counts, counts, counts, counts, counts)
START = datetime(2026, 1, 1, tzinfo=UTC)


@st.composite
def prices(draw: st.DrawFn) -> Rates:
    moment = START + timedelta(days=draw(st.integers(0, 5)))
    tier = draw(st.sampled_from([0, 1000, 200_000]))
    given_rates = [draw(rates) for _ in range(5)]
    return Rates(new_id(), moment, tier, *given_rates)


@given(prices(), usages)
def test_the_cost_is_the_exact_sum_rounded_once_half_to_even(price: Rates, usage: Usage) -> None:
    exact = sum(
        Decimal(tokens) * Decimal(rate or 0) / 1_000_000 for tokens, rate in price.for_usage(usage)
    )
    expected = int(Decimal(exact).quantize(Decimal(1), rounding=ROUND_HALF_EVEN))
    assert cost_nano_usd(price, usage) == expected


@given(usages)
def test_no_price_is_no_cost_unless_there_are_no_tokens(usage: Usage) -> None:
    assert cost_nano_usd(None, usage) == (None if usage.total else 0)


@given(prices(), usages)
def test_a_rate_that_is_needed_and_unknown_makes_the_cost_unknown(
    price: Rates, usage: Usage
) -> None:
    unknown = Rates(price.id, START, 0, None, price.cache_read, price.cache_write, 0, 0)
    cost = cost_nano_usd(unknown, usage)
    assert (cost is None) == bool(usage.input)


@given(prices(), usages)
def test_a_call_costs_no_more_than_its_bound(price: Rates, usage: Usage) -> None:
    cost = cost_nano_usd(price, usage)
    written = (usage.output or 0) + (usage.reasoning or 0)
    bound = highest_cost_nano_usd([price], usage.prompt, written)
    assert cost is not None
    assert bound is not None
    assert cost <= bound


@given(st.lists(prices(), max_size=8), st.integers(-1, 7))
def test_the_price_in_force_is_the_newest_that_has_begun(known: list[Rates], day: int) -> None:
    at = START + timedelta(days=day, hours=1)
    chosen = in_force(known, at)
    begun = [price for price in known if price.effective_from <= at]
    assert bool(chosen) == bool(begun)
    for price in chosen:
        assert price.effective_from == max(one.effective_from for one in begun)


@given(st.lists(prices(), min_size=1, max_size=8), st.integers(0, 300_000))
def test_the_tier_is_the_highest_that_the_prompt_exceeds(known: list[Rates], prompt: int) -> None:
    tiers = in_force(known, START + timedelta(days=9))
    chosen = tier_for(tiers, prompt)
    reached = [
        tier for tier in tiers if prompt > tier.above_input_tokens or not tier.above_input_tokens
    ]
    assert chosen == (reached[0] if reached else None)
    if chosen:
        assert chosen.above_input_tokens == max(tier.above_input_tokens for tier in reached)


@given(st.integers(0, 10**15))
def test_shown_dollars_are_the_kept_ones(nano_usd: int) -> None:
    text = dollars_text(nano_usd)
    assert text is not None
    assert Decimal(text) == dollars(nano_usd)
    assert "E" not in text
    assert not (text.endswith("0") and "." in text)
