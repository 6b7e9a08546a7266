"""Costs against hand-computed list prices."""

from core.models import new_id
from core.money import dollars_text
from llms.catalogue import SINCE_EVER
from llms.pricing import Rates, cost_nano_usd, tier_for
from llms.usage import Usage


def rates(*of: int | None, above: int = 0) -> Rates:
    return Rates(new_id(), SINCE_EVER, above, *of)


GPT_5_MINI = rates(250_000_000, 25_000_000, None, 2_000_000_000, None)
SONNET = rates(3_000_000_000, 300_000_000, 3_750_000_000, 15_000_000_000, None)


def shown(price: Rates, usage: Usage) -> str | None:
    return dollars_text(cost_nano_usd(price, usage))


def test_list_prices_of_openai() -> None:
    assert shown(GPT_5_MINI, Usage(1000, 0, 0, 300, 0)) == "0.00085"
    assert shown(GPT_5_MINI, Usage(200, 800, 0, 300, 0)) == "0.00067"
    assert shown(GPT_5_MINI, Usage(1000, 0, 0, 100, 200)) == "0.00085"


def test_list_prices_of_anthropic() -> None:
    assert shown(SONNET, Usage(1000, 0, 0, 300, 0)) == "0.0075"
    assert shown(SONNET, Usage(200, 800, 0, 300, 0)) == "0.00534"
    assert shown(SONNET, Usage(150, 800, 50, 300, 0)) == "0.0053775"


def test_without_a_cache_rate_cached_tokens_cost_as_fresh_ones() -> None:
    plain = rates(1_000_000_000, None, None, 2_000_000_000, None)
    assert shown(plain, Usage(500, 300, 200, 0, 0)) == "0.001"


def test_a_long_prompt_prices_the_whole_call() -> None:
    long = rates(6_000_000_000, None, None, 22_500_000_000, None, above=200_000)
    tiers = (long, SONNET)
    assert tier_for(tiers, 200_000) is SONNET
    assert tier_for(tiers, 200_001) is long
    assert shown(long, Usage(300_000, 0, 0, 300, 0)) == "1.80675"


def test_what_is_billed_in_a_special_way_has_no_known_price() -> None:
    assert cost_nano_usd(SONNET, Usage(10, 0, 5, 1, 0, billing="cache_write_1h")) is None


def test_halves_are_rounded_to_even() -> None:
    half = rates(500_000, None, None, 0, None)
    assert [cost_nano_usd(half, Usage(n, 0, 0, 0, 0)) for n in (1, 2, 3, 5)] == [0, 1, 2, 2]


def test_dollars_are_shown_without_needless_zeros() -> None:
    assert [dollars_text(n) for n in (None, 0, 1, 852_000, 1_500_000_000, 20_000_000_000)] == [
        None,
        "0",
        "0.000000001",
        "0.000852",
        "1.5",
        "20",
    ]
