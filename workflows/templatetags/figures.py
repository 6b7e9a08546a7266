"""Figures with what `static/js/figures.js` needs to say them as people do; readable without it."""

from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.html import format_html

register = template.Library()
_UNKNOWN = "–"


@register.filter
def milliseconds(value: float | None) -> str:
    if value is None:
        return _UNKNOWN
    return format_html('<span data-ms="{}">{} ms</span>', value, value)


@register.filter
def seconds(value: float | None) -> str:
    return milliseconds(None if value is None else round(value * 1_000))


@register.filter
def count(value: int | None) -> str:
    """A number of tokens that is exact."""
    if value is None:
        return _UNKNOWN
    return format_html('<span data-tokens="{}">{}</span>', value, value)


@register.filter
def dollars(value: str | None) -> str:
    """A decimal text that is exact."""
    return _dollars(value, "metered")


@register.filter
def share(value: float | None, unknown: str = _UNKNOWN) -> str:
    """A number from 0 to 1."""
    if value is None:
        return unknown
    return format_html('<span data-share="{}">{}</span>', value, value)


@register.filter
def tokens(totals: Mapping[str, Any], name: str = "total_tokens") -> str:
    """One of the counts of `totals_json`."""
    count = totals[name]
    if count is None:
        return _UNKNOWN
    found = '<span data-tokens="{}" data-exactness="{}">{}</span>'
    return format_html(found, count, totals["exactness"], count)


@register.filter
def cost(totals: Mapping[str, Any]) -> str:
    """The cost of `totals_json`; where nothing has a price, that is what is said."""
    return _dollars(totals["cost"], totals["exactness"])


@register.filter
def mean_cost(numbers: Mapping[str, Any]) -> str:
    """That of numbers that have `totals`; before anything was counted, nothing is said of it."""
    if numbers["mean_cost"] is None and not numbers["totals"]["calls"]:
        return _UNKNOWN
    return _dollars(numbers["mean_cost"], numbers["totals"]["exactness"])


def _dollars(value: str | None, exactness: str) -> str:
    found = '<span data-cost="{}" data-exactness="{}">{}</span>'
    shown = _UNKNOWN if value is None else f"${value}"
    return format_html(found, value or "", exactness, shown)
