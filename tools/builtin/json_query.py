"""JMESPath over a document, with a limit on what an expression may make of it."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.visitor import Options, TreeInterpreter
from pydantic import Field

from tools.base import Tool, ToolArgs, ToolContext, ToolFailed, ToolResult

_MAX_DOCUMENT = 200_000
_MAX_SHOWN = 20_000
_MAX_WEIGHT = 2_000_000
# The one function whose result can be a product of its arguments' sizes.
_REFUSED = "join"


class JsonQueryArgs(ToolArgs):
    query: str = Field(
        min_length=1,
        max_length=500,
        description="A JMESPath expression, such as people[?age > `30`].name",
    )
    document: Any = Field(description="The JSON to look into, or a text that holds it.")


class JsonQuery(Tool[JsonQueryArgs]):
    key = "json_query"
    label = "JSON query"
    description = "Selects and transforms parts of a JSON document by a JMESPath expression."
    args = JsonQueryArgs

    async def call(self, args: JsonQueryArgs, context: ToolContext) -> ToolResult:
        return await asyncio.to_thread(_answered, args)


def _answered(args: JsonQueryArgs) -> ToolResult:
    """Runs in a thread, for it may take a second. Raises ToolFailed."""
    document = _document(args.document)
    try:
        found = _search(args.query, document)
        text = json.dumps(found, ensure_ascii=False)
    except JMESPathError as error:
        raise ToolFailed(reason=f"The query cannot be answered: {error}") from error
    except (RecursionError, TypeError, ValueError, ArithmeticError) as error:
        raise ToolFailed(reason="The query cannot be answered for this document.") from error
    cut = text[:_MAX_SHOWN] + " […cut here]" if len(text) > _MAX_SHOWN else text
    return ToolResult(text=cut, data=found)


def _document(given: Any) -> Any:
    """Models often send a document as a text."""
    text = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
    if len(text) > _MAX_DOCUMENT:
        raise ToolFailed(reason=f"The document is longer than {_MAX_DOCUMENT} characters.")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ToolFailed(reason="The document is not JSON.") from error


def _search(query: str, document: Any) -> Any:
    tree = jmespath.compile(query).parsed
    if any(
        node["type"] == "function_expression" and node["value"] == _REFUSED for node in _all(tree)
    ):
        raise ToolFailed(reason=f"The function {_REFUSED} is not available.")
    return _Weighing(Options()).visit(tree, document)


def _all(node: Any) -> Iterator[Any]:
    yield node
    for child in node["children"]:
        yield from _all(child)


class _Weighing(TreeInterpreter):
    """Adds up the sizes of all that is found on the way, parts that are shared each time anew.

    `[@, @] | [@, @] | …` doubles at every step; so the sum, not the time, tells soon enough.
    """

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self._left = _MAX_WEIGHT
        self._known: dict[int, tuple[Any, int]] = {}  # by identity, so what is known is kept alive

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        found = super().visit(node, *args, **kwargs)
        self._left -= self._weight(found)
        if self._left < 0:
            raise ToolFailed(reason="The query makes too much of the document.")
        return found

    def _weight(self, value: Any) -> int:
        if isinstance(value, str):
            return 1 + len(value) // 16
        if not isinstance(value, dict | list):
            return 1
        if id(value) not in self._known:
            parts = value.values() if isinstance(value, dict) else value
            self._known[id(value)] = (value, 1 + sum(map(self._weight, parts)))
        return self._known[id(value)][1]
