"""Is it JSON that every database, encoder and reader can hold? Looked at before anything else.

Nothing here recurses, and nothing is repeated in a message, so no document can do harm.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from core.json_values import LARGEST
from workflows.validation.bounds import Limits
from workflows.validation.issue import Issue, error, path_of

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_LARGEST_INTEGER = 2**63 - 1
_NOT_READ = "it is not UTF-8, or holds a number that is too long"
_VALUE = 2  # what any value adds to the size beside its own characters

Steps = tuple[str | int, ...]


def check_document(document: Any, limits: Limits) -> Iterator[Issue]:
    """What keeps the document from being looked at; a first thing too deep or too large ends it."""
    size = 0
    waiting: list[tuple[Steps, Any]] = [((), document)]
    while waiting:
        steps, value = waiting.pop()
        size += _VALUE + (len(value) if isinstance(value, str) else 0)
        if size > limits.document_characters:
            message = f"A document has at most {limits.document_characters:,} characters."
            yield error("too_large", "", message)
            return
        if isinstance(value, dict | list):
            if len(steps) > limits.depth:
                yield _too_deep(limits, _path(steps[:3]))
                return
            waiting.extend(_inside(steps, value))
            size += sum(len(key) for key in value if isinstance(key, str)) * isinstance(value, dict)
        yield from _unfit(steps, value)


def _too_deep(limits: Limits, path: str) -> Issue:
    message = f"Lists and objects stand at most {limits.depth} deep in one another."
    return error("too_deep", path, message)


def malformed(unreadable: ValueError) -> Issue:
    """It is not JSON at all; what it holds is not repeated."""
    why = unreadable.msg if isinstance(unreadable, json.JSONDecodeError) else _NOT_READ
    where = f" (character {unreadable.pos})" if isinstance(unreadable, json.JSONDecodeError) else ""
    return error("malformed_body", "", f"This is not valid JSON: {why}{where}.")


def _inside(steps: Steps, value: dict[Any, Any] | list[Any]) -> Iterable[tuple[Steps, Any]]:
    """In reverse, for what is put in last is looked at first."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return [((*steps, key), item) for key, item in reversed(list(items))]


def _unfit(steps: Steps, value: Any) -> Iterator[Issue]:
    for kinds, check in _CHECKS:
        if isinstance(value, kinds):
            yield from check(steps, value)
            return
    yield error("not_json", _path(steps), "This is not a value of JSON.")


def _plain(steps: Steps, value: Any) -> Iterator[Issue]:
    yield from ()


def _text(steps: Steps, value: str) -> Iterator[Issue]:
    if _UNSTORABLE.search(value):
        yield _bad_character(steps)


def _keys(steps: Steps, value: dict[Any, Any]) -> Iterator[Issue]:
    for key in value:
        if not isinstance(key, str):
            yield error("not_json", _path(steps), "The keys of an object are texts.")
        elif _UNSTORABLE.search(key):
            yield _bad_character((*steps, key))


def _decimal(steps: Steps, value: float) -> Iterator[Issue]:
    if not math.isfinite(value):
        message = "JSON has no infinite and no undefined numbers."
        yield error("not_finite", _path(steps), message)
    elif abs(value) >= LARGEST:
        yield error("number_too_large", _path(steps), f"Numbers are below {LARGEST:g}.")


def _whole(steps: Steps, value: int) -> Iterator[Issue]:
    if abs(value) > _LARGEST_INTEGER:
        yield error("number_too_large", _path(steps), "Whole numbers have at most 64 bits.")


_CHECKS: tuple[tuple[Any, Callable[[Steps, Any], Iterator[Issue]]], ...] = (
    (str, _text),
    ((bool, type(None), list), _plain),
    (int, _whole),
    (float, _decimal),
    (dict, _keys),
)


def _bad_character(steps: Steps) -> Issue:
    message = "A text holds no NUL and no half of a surrogate pair: databases refuse them."
    return error("bad_character", _path(steps), message)


def _path(steps: Steps) -> str:
    return path_of(*(step if isinstance(step, str | int) else str(type(step)) for step in steps))
