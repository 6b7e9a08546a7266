"""What can be stored: JSON of bounded size that every database accepts."""

import json
import math
from collections.abc import Mapping
from typing import Any

from core.json_values import number, plain_text
from tools.base import ToolFailed, ToolResult

MAX_CHARACTERS = 250_000
_MAX_VALUES = 50_000
_MAX_DEPTH = 100
_LARGEST_WHOLE = 10**300


class NotKept(ToolFailed):
    code = "tool_result_not_kept"


def kept_result(result: ToolResult) -> ToolResult:
    """The result as its row holds it. Raises NotKept when it is too large, or no JSON.

    Raises TypeError when its text is none: the tool is somebody's plug-in, which nobody checked.
    """
    if not isinstance(result.text, str):
        raise TypeError(f"The text of a result is a str, not {type(result.text).__name__}.")
    return ToolResult(text=storable(result.text), data=storable(result.data))


def kept_arguments(arguments: Any) -> Any:
    """The arguments as their row holds them; None for what no row could hold."""
    try:
        return storable(arguments)
    except NotKept:
        return None


def storable(value: Any) -> Any:
    """A copy without NUL characters and halves of surrogate pairs, of numbers that all can read.

    Raises NotKept.
    """
    copy = _Copy()
    kept = copy.of(value)
    if copy.values > 1 and len(json.dumps(kept, ensure_ascii=False)) > MAX_CHARACTERS:
        raise NotKept(reason=_TOO_LARGE)
    return kept


_TOO_LARGE = f"The result is larger than the {MAX_CHARACTERS} characters that are kept."


class _Copy:
    """Counts as it goes: what refers to itself, or many times to a part, has no end."""

    def __init__(self) -> None:
        self.values = 0

    def of(self, value: Any, depth: int = 0) -> Any:
        self.values += 1
        if self.values > _MAX_VALUES or depth > _MAX_DEPTH:
            raise NotKept(reason="The result has too many parts, or is nested too deep.")
        if isinstance(value, str):
            return _text(value)
        if isinstance(value, Mapping):
            return {_text(str(key)): self.of(inner, depth + 1) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.of(inner, depth + 1) for inner in value]
        return _number(value)


def _text(text: str) -> str:
    if len(text) > MAX_CHARACTERS:
        raise NotKept(reason=_TOO_LARGE)
    return plain_text(text)


def _number(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) < _LARGEST_WHOLE:
        return number(int(value))
    if isinstance(value, float) and math.isfinite(value):
        return value
    raise NotKept(reason=f"The result holds {type(value).__name__}, which JSON cannot.")
