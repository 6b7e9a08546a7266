"""Comparisons of other products as conditions of ours."""

import json
import math
import re
from collections.abc import Callable, Sequence
from typing import Any

NOTHING = "{{''}}"  # a text that stays empty, where none given means what arrives
_REQUESTS = {"http-request", "APIRequest"}
_INSTEAD = {
    "human-input": "draw an approval node in its place",
    "trigger-webhook": "make a webhook that starts this workflow",
    "Webhook": "make a webhook that starts this workflow",
    "trigger-schedule": "make a schedule that starts this workflow",
    "RunFlow": "draw a subworkflow node in its place",
    "MCPTools": "register its server, and name its tools at the model",
}


def not_carried(kind: str, noun: str) -> str:
    """Why a foreign node of a type that is not converted is left out."""
    if kind in _REQUESTS:
        return (
            f"A '{kind}' {noun} is not carried over, for its keys stay behind: "
            "save them as secrets and draw an http_request node in its place."
        )
    if kind in _INSTEAD:
        return f"A '{kind}' {noun} is not carried over: {_INSTEAD[kind]}."
    return f"Nothing here does what a '{kind}' {noun} does."


class Unsayable(ValueError):
    """There is no such condition here; the text names it."""


def literal(value: Any) -> str:
    """A constant of an expression, for a JSON value."""
    return json.dumps(value, ensure_ascii=False)


def plain(text: str) -> str:
    """The text as it stands in a template, its double braces no references."""
    return text.replace("{{", '{{"{{"}}')


def where(asked: Sequence[str], name: str, otherwise: str = "''") -> str:
    """An expression for `name` where all that is `asked` holds."""
    return f"{' && '.join(asked)} ? {name} : {otherwise}" if asked else name


def whole(expression: str) -> str:
    """The expression as a part of others."""
    return f"({expression})" if " " in expression else expression


def number(text: str) -> str:
    """A number constant. Raises Unsayable."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise Unsayable(f"'{text}' is not a number")
    return repr(value)


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
    """Both are expressions. Raises Unsayable."""
    if operator not in _TEXTS:
        raise Unsayable(f"there is no comparison '{operator}' here")
    return _TEXTS[operator](whole(name), value)


def list_of(name: str) -> str:
    """The expression for a list; what need not be there is an empty one."""
    return name.removesuffix("''") + "[]" if name.endswith(" : ''") else name


def compare_lists(operator: str, name: str, value: str) -> str:
    """Both are expressions. Raises Unsayable."""
    if operator not in ("contains", "not contains"):
        raise Unsayable(f"there is no comparison '{operator}' of lists here")
    found = f"{value} in {whole(list_of(name))}"
    return found if operator == "contains" else f"!({found})"


def compare_any_case(operator: str, name: str, text: str) -> str:
    """The same for a constant text, whatever the case of its letters. Raises Unsayable."""
    if operator == "not equals":
        return f"!({compare_any_case('equals', name, text)})"
    if operator not in _PATTERNS:
        raise Unsayable(f"there is no comparison '{operator}' here")
    pattern = "(?is)" + _PATTERNS[operator].format(re.escape(text))
    return f"{whole(name)}.matches({literal(pattern)})"


def compare_numbers(operator: str, name: str, text: str) -> str:
    """`operator` is one of `== != < <= > >=`. Raises Unsayable.

    What need not be there is no number then, and no comparison with it holds.
    """
    compared = f"double({name}) {operator} {number(text)}"
    return f'string({name}) != "" && {compared}' if " ? " in name else compared
