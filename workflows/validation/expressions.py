"""Where a configuration names what a run knows: its expressions and its references (pure)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from workflows.definition.references import references_in
from workflows.validation.schema import is_parameter

_CEL_SETTINGS = frozenset({"condition", "expression"})
_STRING = r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'"""
_STEP = r"""\s*(?:\.\s*([A-Za-z_]\w*)|\[\s*(?:"([^"\\]*)"|'([^'\\]*)')\s*\])"""
_NAME = re.compile(rf"{_STRING}|(?<![\w.])(nodes|variables|params){_STEP}")
_TESTED = re.compile(r"\bhas\s*\(\s*variables\s*\.\s*([A-Za-z_]\w*)")


@dataclass(frozen=True, slots=True)
class Found:
    """An expression, or the dotted names a text refers to, at its place in a configuration."""

    steps: tuple[str | int, ...]
    expression: str = ""
    references: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[tuple[str, str], ...]:
        """What it names in `nodes`, `variables` and `params`: the first step of each."""
        if self.expression:
            return names_in(self.expression)
        pairs = (reference.split(".") for reference in self.references)
        return tuple((pair[0], pair[1]) for pair in pairs if len(pair) > 1)

    @property
    def tested(self) -> frozenset[str]:
        """Variables it asks for before it reads them: `has(variables.x)`."""
        return frozenset(_TESTED.findall(self.expression))


def found_in(value: Any, steps: tuple[str | int, ...] = ()) -> Iterator[Found]:
    """Every expression and every text with references. An expression that is still to get a
    parameter is taken as a text: it is whole only when the parameter stands in its place."""
    if isinstance(value, str):
        if steps and steps[-1] in _CEL_SETTINGS and value and not is_parameter(value):
            yield Found(steps, expression=value)
        elif references := tuple(references_in(value)):
            yield Found(steps, references=references)
        return
    items = value.items() if isinstance(value, dict) else ()
    for step, item in enumerate(value) if isinstance(value, list) else items:
        yield from found_in(item, (*steps, step))


@lru_cache(maxsize=1024)
def names_in(expression: str) -> tuple[tuple[str, str], ...]:
    """`nodes.draft.text + variables["n"]` names (nodes, draft) and (variables, n)."""
    return tuple(
        (match[1], match[2] or match[3] or match[4] or "")
        for match in _NAME.finditer(expression)
        if match[1]
    )
