"""The pairs of a mapping whose keys people choose: of one with a key "items", `.items` is that."""

from collections.abc import ItemsView, Mapping
from typing import Any

from django import template

register = template.Library()


@register.filter
def pairs(found: Mapping[str, Any]) -> ItemsView[str, Any]:
    return found.items()
