"""Comparisons of other products as conditions of ours."""

import json
import re
from collections.abc import Callable

_REQUESTS = {"http-request", "APIRequest"}


def not_carried(kind: str, noun: str) -> str:
    """Why a foreign node of a type that is not converted is left out."""
    if kind in _REQUESTS:
        return (
            f"A '{kind}' {noun} is not carried over, for its keys stay behind: "
            "save them as secrets and draw an http_request node in its place."
        )
    return f"Nothing here does what a '{kind}' {noun} does."


class Unsayable(ValueError):
    """There is no such condition here; the text names it."""


def literal(text: str) -> str:
    """A text constant of an expression."""
    return json.dumps(text, ensure_ascii=False)


def number(text: str) -> str:
    """A number constant. Raises Unsayable."""
    try:
        return repr(float(text))
    except ValueError as error:
        raise Unsayable(f"'{text}' is not a number") from error


_TEXTS: dict[str, Callable[[str, str], str]] = {
    "contains": lambda name, value: f"{name}.contains({value})",
    "not contains": lambda name, value: f"!{name}.contains({value})",
    "starts with": lambda name, value: f"{name}.startsWith({value})",
    "ends with": lambda name, value: f"{name}.endsWith({value})",
    "equals": lambda name, value: f"{name} == {value}",
    "not equals": lambda name, value: f"{name} != {value}",
}
_PATTERNS = {
    "contains": "{}",
    "starts with": "^{}",
    "ends with": "{}$",
    "equals": "^{}$",
}


def compare_texts(operator: str, name: str, value: str) -> str:
    """`value` is an expression. Raises Unsayable."""
    if operator not in _TEXTS:
        raise Unsayable(f"there is no comparison '{operator}' here")
    return _TEXTS[operator](name, value)


def compare_any_case(operator: str, name: str, text: str) -> str:
    """The same for a constant text, whatever the case of its letters. Raises Unsayable."""
    if operator == "not equals":
        return f"!({compare_any_case('equals', name, text)})"
    if operator not in _PATTERNS:
        raise Unsayable(f"there is no comparison '{operator}' here")
    pattern = "(?is)" + _PATTERNS[operator].format(re.escape(text))
    return f"{name}.matches({literal(pattern)})"


def compare_numbers(operator: str, name: str, text: str) -> str:
    """`operator` is one of `== != < <= > >=`. Raises Unsayable."""
    return f"double({name}) {operator} {number(text)}"
