"""What debug mode writes of a node's inputs and outputs: shortened, without secrets (pure)."""

from collections.abc import Mapping
from typing import Any

import orjson

from workflows.validation.secrets import masked

MOST_BYTES = 8_000  # of one event, as any
_NAMES = 200  # bytes for what stands around the parts
_LOOKED_AT = 50_000  # characters of a text: a secret that is cut there is cut off again below
_DEEPEST = 20
_LARGEST = 2**63  # the log has no larger integers


def debug_view(parts: Mapping[str, Any]) -> dict[str, Any]:
    """Each part as JSON, the small ones whole; one that is cut is the beginning of its text."""
    safe = {name: _safe(value) for name, value in parts.items()}
    left, told = MOST_BYTES - _NAMES, {}
    for at, name in enumerate(sorted(safe, key=lambda name: _size(safe[name]))):
        told[name] = _cut(safe[name], left // (len(safe) - at))
        left -= _size(told[name])
    return {name: told[name] for name in parts}


def _safe(value: Any, depth: int = _DEEPEST) -> Any:
    if isinstance(value, str):
        return masked(value[:_LOOKED_AT])
    if depth == 0:
        return "…"
    if isinstance(value, Mapping):
        return {masked(str(key)): _safe(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_safe(item, depth - 1) for item in value]
    if value is None or isinstance(value, int | float) and abs(value) < _LARGEST:
        return value
    return masked(str(value)[:_LOOKED_AT])


def _cut(value: Any, most: int) -> Any:
    if _size(value) <= most:
        return value
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    kept, mark = text[:most], f"… ({len(text):,} characters)"
    while kept and _size(kept + mark) > most:
        kept = kept[: len(kept) * 9 // 10]
    return kept + mark


def _size(value: Any) -> int:
    return len(orjson.dumps(value))
