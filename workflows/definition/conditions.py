"""The expression language of branches and variables: CEL, bounded.

CEL is a standard, has no side effects, and always ends; what is bounded here is how much it may
cost: macros nest without limit (a 300³ `map` did not end in two minutes), so they are not taken.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

MAX_CHARACTERS = 1_000
_STRING = re.compile(r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')""")
_MACRO = re.compile(r"\.\s*(map|filter|all|exists|exists_one)\s*\(")
NAMES = ("input", "params", "text", "variables", "nodes")


class BadExpression(ValueError):
    """It does not parse, asks for too much, or names something unknown; the text says which."""


@lru_cache(maxsize=1024)
def parse(text: str) -> Any:
    """The compiled program. Raises BadExpression."""
    if len(text) > MAX_CHARACTERS:
        raise BadExpression(f"An expression has at most {MAX_CHARACTERS} characters.")
    if _MACRO.search(_STRING.sub("''", text)):
        raise BadExpression("Loops over lists (map, filter, all, exists) are not supported.")
    import cel  # noqa: PLC0415 - it loads a command line of its own: 10 MB that few processes need

    try:
        program = cel.compile(text)
    except ValueError as error:
        raise BadExpression(f"'{text}' is not an expression: {_first_line(error)}") from error
    unknown = set(program.variables()) - set(NAMES)
    if unknown:
        raise BadExpression(f"'{min(unknown)}' is not a known name; use one of {', '.join(NAMES)}.")
    return program


def evaluate(text: str, names: Mapping[str, Any]) -> Any:
    """The value of an expression over `names`. Raises BadExpression for anything it cannot do."""
    try:
        return parse(text).execute(dict(names))
    except BadExpression:
        raise
    except Exception as error:  # the library raises its own kinds for missing keys and types
        raise BadExpression(f"'{text}': {_first_line(error)}") from error


def is_true(text: str, names: Mapping[str, Any]) -> bool:
    """Whether a condition holds; a value that is not a boolean is an error, never true."""
    value = evaluate(text, names)
    if not isinstance(value, bool):
        raise BadExpression(f"'{text}' is {value!r}, which is neither true nor false.")
    return value


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].strip()
