"""Totals of model calls, as people read them: as exact as the worst of their parts."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from core.money import dollars_text
from llms.models import Exactness

CATEGORIES = ("input", "cache_read", "cache_write", "output", "reasoning")
TOKENS = tuple(f"{category}_tokens" for category in CATEGORIES)
COUNTED = (
    "call_count",
    "estimated_calls",
    "unpriced_calls",
    "open_calls",
    *TOKENS,
    "cost_nano_usd",
)


def totals_json(kept: Mapping[str, int]) -> dict[str, Any]:
    """`{calls, usage, prompt_tokens, completion_tokens, total_tokens, cost, exactness}`.

    `cost` is in dollars as text, the sum of what is known; null when nothing of it is known.
    """
    usage = {category: kept[f"{category}_tokens"] for category in CATEGORIES}
    prompt = usage["input"] + usage["cache_read"] + usage["cache_write"]
    completion = usage["output"] + usage["reasoning"]
    return {
        "calls": kept["call_count"],
        "usage": {**usage, "total": prompt + completion},
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "cost": dollars_text(kept["cost_nano_usd"]) if _known(kept) else None,
        "exactness": exactness_of(kept),
    }


def mean_cost(kept: Mapping[str, int], count: int) -> str | None:
    """Of each of so many, in dollars as text, to the billionth: as exact as the cost they share.

    None where `totals_json` knows no cost, or nothing was counted.
    """
    if not count or not _known(kept):
        return None
    return dollars_text(round(Fraction(kept["cost_nano_usd"], count)))


def _known(kept: Mapping[str, int]) -> bool:
    """Whether the cost of any call is known, where there are any."""
    return not 0 < kept["call_count"] <= kept["unpriced_calls"] + kept["open_calls"]


def exactness_of(kept: Mapping[str, int]) -> str:
    """The worst exactness among the calls counted."""
    if kept["open_calls"]:
        return Exactness.OPEN
    if kept["unpriced_calls"]:
        return Exactness.UNPRICED
    return Exactness.ESTIMATED if kept["estimated_calls"] else Exactness.METERED
