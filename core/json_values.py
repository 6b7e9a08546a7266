"""Values of JSON as every database and every reader can hold them (pure)."""

import json
from collections.abc import Callable, Mapping
from typing import Any

_DEEPEST = 60
LARGEST = 1e300
_LARGEST_WHOLE = 2**63  # what a column and most readers take


def read(text: str, whole: Callable[[str], float] = int) -> Any:
    """The value of a text in JSON, as `storable`. Raises ValueError.

    `whole` gives a number for the digits of a whole one.
    """
    try:
        return storable(json.loads(text, parse_int=whole, parse_constant=_no_constant))
    except RecursionError as error:
        raise ValueError("This nests deeper than anybody reads.") from error


def storable(value: Any, depth: int = _DEEPEST) -> Any:
    """The value without NUL characters (PostgreSQL has none).

    Raises ValueError for what JSON cannot say, or what nests deeper than anybody reads.
    """
    if depth < 0:
        raise ValueError(f"This nests more than {_DEEPEST} levels deep.")
    if isinstance(value, str):
        return _whole_text(value)
    if isinstance(value, Mapping):
        return {str(storable(key)): storable(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list):
        return [storable(item, depth - 1) for item in value]
    if value is None or isinstance(value, bool):
        return value
    if _is_number(value):
        return value
    raise ValueError(f"A {type(value).__name__} of this size or kind is no value of JSON.")


def _whole_text(text: str) -> str:
    plain = text.replace("\0", "")
    if plain_text(plain) != plain:
        raise ValueError("A text holds half of a surrogate pair.")
    return plain


def number(value: float) -> float:
    """The number, a decimal one where it is more than a whole one can be."""
    return value if _is_number(value) else float(value)


def whole_or_decimal(digits: str) -> float:
    """The number of these digits, as `number`; infinity for very many."""
    whole = int(digits)
    return whole if _is_number(whole) else float(digits)


def _is_number(value: Any) -> bool:
    if isinstance(value, int):
        return -_LARGEST_WHOLE <= value < _LARGEST_WHOLE
    return isinstance(value, float) and abs(value) < LARGEST  # neither nan nor infinity is


def same(one: Any, other: Any) -> bool:
    """Whether both are one value of JSON, or else equal: Python takes true, 1 and 1.0 for one."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other) and (not isinstance(one, int | float) or type(one) is type(other))


def plain_text(text: str) -> str:
    """The text without NUL characters and halves of surrogate pairs."""
    if text.isascii():
        return text.replace("\0", "")
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _no_constant(name: str) -> Any:
    raise ValueError(f"JSON has no {name}.")
