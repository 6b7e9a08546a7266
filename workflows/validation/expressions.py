"""Where a configuration names what a run knows: its expressions, and what they name (pure)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from workflows.definition.expressions import Expression
from workflows.definition.reading import MAX_CHARACTERS, needed_parts
from workflows.definition.references import expressions_in
from workflows.validation.schema import is_parameter
from workflows.validation.subject import Node

_STRING = r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'"""
_STEP = r"""\s*(?:\.\s*([A-Za-z_]\w*)|\[\s*(?:"([^"\\]*)"|'([^'\\]*)')\s*\])"""
_NO_CALL = r"(?!\w|\s*\()"  # of a function, such as nodes.map(…)
_NAME = re.compile(rf"{_STRING}|(?<![\w.])(nodes|variables|params){_STEP}{_NO_CALL}")
_FIELD = re.compile(rf"{_STRING}|(?<![\w.])(nodes){_STEP}{_STEP}{_NO_CALL}")
_TESTED_FIELD = re.compile(rf"\bhas\s*\(\s*(nodes){_STEP}{_STEP}")
_TESTED = re.compile(r"\bhas\s*\(\s*(nodes|variables)\s*\.\s*([A-Za-z_]\w*)")


@dataclass(frozen=True, slots=True)
class Found:
    """An expression at its place in a configuration."""

    steps: tuple[str | int, ...]
    expression: str

    @property
    def names(self) -> tuple[tuple[str, str], ...]:
        """What it names in `nodes`, `variables` and `params`: the first step of each."""
        return names_in(self._read)

    @property
    def fields(self) -> Sequence[tuple[str, str]]:
        """Nodes, each with the field of it that is named and not asked for by `has()`."""
        return fields_in(self._read)

    @property
    def tested(self) -> frozenset[tuple[str, str]]:
        """Nodes and variables it asks for before it reads them: `has(variables.x)`."""
        return frozenset(_TESTED.findall(self._read))

    @property
    def needed(self) -> frozenset[tuple[str, str]]:
        """Those of `names` without which it is an error, or as a condition never true."""
        parts = needed_parts(self._read)
        return frozenset(name for part in parts for name in names_in(part)) - self.tested

    @property
    def _read(self) -> str:
        """From each quote that nothing closes the patterns look to the end."""
        return self.expression if len(self.expression) <= MAX_CHARACTERS else ""


def expressions_of(node: Node) -> Iterator[Found]:
    """Every expression of a node: settings that are one, and those in the braces of a text."""
    yield from _found(node.settings)


def _found(value: Any, steps: tuple[str | int, ...] = ()) -> Iterator[Found]:
    """A setting that is still to get a parameter is an expression only when it has it."""
    if isinstance(value, Expression) and not is_parameter(value):
        yield Found(steps, value)
    elif isinstance(value, str):
        yield from (Found(steps, expression) for _, expression in expressions_in(str(value)))
    else:
        items = value.items() if isinstance(value, dict) else ()
        for step, item in enumerate(value) if isinstance(value, list | tuple) else items:
            yield from _found(item, (*steps, step))


@lru_cache(maxsize=1024)
def names_in(expression: str) -> tuple[tuple[str, str], ...]:
    """`nodes.draft.text + variables["n"]` names (nodes, draft) and (variables, n)."""
    return tuple(
        (match[1], match[2] or match[3] or match[4] or "")
        for match in _NAME.finditer(expression)
        if match[1]
    )


@lru_cache(maxsize=1024)
def fields_in(expression: str) -> tuple[tuple[str, str], ...]:
    """`nodes.draft.text + nodes["draft"].data.n` names (draft, text) and (draft, data)."""
    tested = {_field(match) for match in _TESTED_FIELD.finditer(expression)}
    named = (_field(match) for match in _FIELD.finditer(expression) if match[1])
    return tuple(dict.fromkeys(pair for pair in named if pair not in tested))


def _field(match: re.Match[str]) -> tuple[str, str]:
    node = match[2] or match[3] or match[4] or ""
    return node, match[5] or match[6] or match[7] or ""
