"""`{{name.path}}` in texts and configs: find, list, replace.

A string that is nothing but one reference takes the value itself, so that a parameter keeps its
type; inside a longer string the value is written as text. Nothing is evaluated.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_REFERENCE = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*)\s*\}\}")


class UnknownReference(KeyError):
    """A reference to a name that does not exist here."""

    def __str__(self) -> str:
        return f"'{{{{{self.args[0]}}}}}' refers to nothing known here."


def references_in(value: Any) -> Iterator[str]:
    """Every dotted name referred to anywhere in a JSON value."""
    if isinstance(value, str):
        yield from (match[1] for match in _REFERENCE.finditer(value))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from references_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from references_in(item)


def bind(value: Any, names: Mapping[str, Any], *, only: str = "") -> Any:
    """The value with its references replaced; with `only`, those of another first name are kept.

    Raises UnknownReference.
    """
    if isinstance(value, str):
        return _bind_text(value, names, only)
    if isinstance(value, Mapping):
        return {key: bind(item, names, only=only) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [bind(item, names, only=only) for item in value]
    return value


def _bind_text(text: str, names: Mapping[str, Any], only: str) -> Any:
    def wanted(name: str) -> bool:
        return not only or name.split(".")[0] == only

    whole = _REFERENCE.fullmatch(text.strip())
    if whole and wanted(whole[1]):
        return look_up(names, whole[1])

    def replaced(match: re.Match[str]) -> str:
        return _as_text(look_up(names, match[1])) if wanted(match[1]) else match[0]

    return _REFERENCE.sub(replaced, text)


def look_up(names: Mapping[str, Any], name: str) -> Any:
    """The value at a dotted name. Raises UnknownReference."""
    value: Any = names
    for step in name.split("."):
        if not isinstance(value, Mapping) or step not in value:
            raise UnknownReference(name)
        value = value[step]
    return value


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
