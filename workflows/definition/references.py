"""`{{ … }}` in texts and configs: find, list, replace. Inside the braces stands an expression.

A string that is nothing but one expression takes its value, so that a parameter keeps its type;
inside a longer string the value is written as text, lists and objects as JSON.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from workflows.definition.expressions import Allowance, BadExpression, Expression, evaluate
from workflows.definition.reading import braces_close, names_of
from workflows.definition.values import CHARACTERS_PER_UNIT, NotJson, as_text, small_enough

MAX_TEMPLATE = 100_000
MAX_TEXT = 1_000_000
_OPENING = re.compile(r"\{\{+")
_HALF_OPENING = re.compile(r"\{\{+|\{\Z")


@dataclass(frozen=True, slots=True)
class Place:
    """An expression in a text, from its opening to behind its closing braces."""

    start: int
    end: int
    expression: str


def expressions_in(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every expression in a JSON value, with the dotted path to the string it stands in."""
    if isinstance(value, Expression):
        yield path, value
    elif isinstance(value, str):
        yield from ((path, place.expression) for place in _places(value))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from expressions_in(item, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list | tuple):
        for at, item in enumerate(value):
            yield from expressions_in(item, f"{path}.{at}".lstrip("."))


def literal_in(text: str) -> str:
    """What of a text stands there whatever its expressions give."""
    parts, at = [], 0
    for place in _places(text):
        parts.append(text[at : place.start])
        at = place.end
    return "".join([*parts, text[at:]])


def references_in(value: Any) -> Iterator[str]:
    """Every dotted name that the expressions in a JSON value use."""
    for _, expression in expressions_in(value):
        yield from names_of(expression)


def bind(
    value: Any,
    names: Mapping[str, Any],
    *,
    only: str = "",
    allowance: Allowance | None = None,
    as_texts: bool = False,
) -> Any:
    """The value with its expressions replaced; with `only`, those that use other names are kept.

    What is put in for `only` is never read as an expression later. All expressions share one
    allowance, and so do values that are given the same. `as_texts`: strings stay strings, also
    those that are nothing but one expression. Raises BadExpression.
    """
    return small(_bound(value, names, only, allowance or Allowance(), as_texts))


def small(value: Any) -> Any:
    """The value, if it is not too large to be kept or sent. Raises BadExpression."""
    try:
        return small_enough(value)
    except NotJson as error:
        raise BadExpression(f"This cannot be put together: {error}.") from error


def _bound(
    value: Any, names: Mapping[str, Any], only: str, allowance: Allowance, as_texts: bool
) -> Any:
    if isinstance(value, str):
        return _bind_text(value, names, only, allowance, as_texts)
    if isinstance(value, Mapping):
        return {key: _bound(item, names, only, allowance, as_texts) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_bound(item, names, only, allowance, as_texts) for item in value]
    return value


def render(template: str, names: Mapping[str, Any], allowance: Allowance | None = None) -> str:
    """The template as text. Raises BadExpression."""
    return as_text(bind(template, names, allowance=allowance))


def _bind_text(
    text: str, names: Mapping[str, Any], only: str, allowance: Allowance, as_texts: bool
) -> Any:
    places = [place for place in _places(text) if not only or _uses_only(only, place.expression)]
    if not places:
        return text
    if len(text) > MAX_TEMPLATE:
        raise BadExpression(f"A text with expressions has at most {MAX_TEMPLATE} characters.")
    values = [small(evaluate(place.expression, names, allowance)) for place in places]
    if text.strip() == text[places[0].start : places[0].end]:
        value = as_text(values[0]) if as_texts else values[0]
        return _literal(value) if only else value
    return _joined(text, places, values, allowance, kept=bool(only))


def _joined(
    text: str, places: list[Place], values: list[Any], allowance: Allowance, *, kept: bool
) -> str:
    parts, at, size = [], 0, 0
    for place, value in zip(places, values, strict=True):
        written = as_text(value)
        if kept:
            opening = _HALF_OPENING if text.startswith("{", place.end) else _OPENING
            written = opening.sub(_standing, written)
        parts += [text[at : place.start], written]
        at, size = place.end, size + place.start - at + len(written)
        _check_length(size)
        _spend(allowance, len(written))
    parts.append(text[at:])
    _check_length(size + len(parts[-1]))
    return "".join(parts)


def _check_length(size: int) -> None:
    if size > MAX_TEXT:
        raise BadExpression(f"A text becomes at most {MAX_TEXT} characters long.")


def _spend(allowance: Allowance, characters: int) -> None:
    try:
        allowance.spend(characters // CHARACTERS_PER_UNIT)
    except NotJson as error:
        raise BadExpression(f"A text cannot be put together: {error}.") from error


def _uses_only(first: str, expression: str) -> bool:
    firsts = {name.partition(".")[0] for name in names_of(expression)}
    return firsts == {first}


def _literal(value: Any) -> Any:
    """The value with its braces written so that they stand for themselves."""
    if isinstance(value, str):
        return _OPENING.sub(_standing, value)
    if isinstance(value, Mapping):
        return {key: _literal(item) for key, item in value.items()}
    return [_literal(item) for item in value] if isinstance(value, list | tuple) else value


def _standing(braces: re.Match[str]) -> str:
    """Braces as an expression for themselves."""
    return f'{{{{"{braces[0]}"}}}}'


@lru_cache(maxsize=1024)
def _places(text: str) -> tuple[Place, ...]:
    """The expressions of a text; one that is never closed takes all that is left."""
    places = []
    start = text.find("{{")
    while start >= 0:
        end = braces_close(text, start + 2)
        inside = text[start:] if end is None else text[start + 2 : end]
        end = len(text) if end is None else end + 2
        places.append(Place(start, end, inside))
        start = text.find("{{", end)
    return tuple(places)
