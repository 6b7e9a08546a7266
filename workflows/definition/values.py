"""JSON values on their way into an expression, out of it, and into a text."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from core.json_values import plain_text

CHARACTERS_PER_UNIT = 64  # to copy that much text takes about as long as to copy one number
_SMALLEST, _GREATEST = -(2**63), 2**63 - 1
_MOST_UNITS = 200_000  # of a value that is kept: 12 MB of text, or an answer of MOST_BYTES
_DEEPEST = 200  # levels; orjson writes 254


class NotJson(ValueError):
    """A value that JSON does not have, or that is too large; the text says which."""


@dataclass(slots=True)
class Weight:
    """How much there is to work on: items and pieces of text; refuses to grow beyond `most`."""

    most: int
    units: int = 0
    longest_list: int = 0
    longest_text: int = 0

    def add(self, value: Any, depth: int = 0) -> None:
        """Count a value with all it holds. Raises NotJson when that is too much."""
        self.units += 1
        if depth > _DEEPEST:
            raise NotJson("its values nest too deep")
        if isinstance(value, str):
            self.longest_text = max(self.longest_text, len(value))
            self.units += len(value) // CHARACTERS_PER_UNIT
        elif isinstance(value, Mapping | list | tuple):
            self.longest_list = max(self.longest_list, len(value))
            self._add_all(value, depth + 1)
        if self.units > self.most:
            raise NotJson("its values are too large")

    def _add_all(self, value: Iterable[Any], depth: int) -> None:
        for item in value:
            self.add(item, depth)
            if isinstance(value, Mapping):
                self.add(value[item], depth)


def small_enough(value: Any) -> Any:
    """The value, with parts that it shares counted each time: a few rounds of a loop make
    gigabytes of them. Raises NotJson.
    """
    Weight(_MOST_UNITS).add(value)
    return value


def as_json(value: Any) -> Any:
    """The value if JSON has it, the keys of objects in order. Raises NotJson.

    Texts lose what no database holds: an expression may write any character.
    """
    if isinstance(value, str):
        return plain_text(value)
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise NotJson("the keys of an object are texts")
        return {plain_text(key): as_json(value[key]) for key in sorted(value)}
    if isinstance(value, int) and not _SMALLEST <= value <= _GREATEST:
        raise NotJson("a whole number has at most 64 bits")
    if isinstance(value, float) and not math.isfinite(value):
        raise NotJson(f"{value} is not a number that JSON has")
    if value is None or isinstance(value, int | float):
        return value
    raise NotJson(f"JSON has no {type(value).__name__}")


def as_decimals(value: Any) -> Any:
    """The JSON value with every whole number made a decimal one."""
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, list):
        return [as_decimals(item) for item in value]
    if isinstance(value, dict):
        return {key: as_decimals(item) for key, item in value.items()}
    return value


def as_text(value: Any) -> str:
    """How a value stands in a text: lists and objects as JSON, nothing for null."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
