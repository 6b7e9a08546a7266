"""What every tool must satisfy, with a message for the author of one that does not."""

import inspect
import re
from collections.abc import Iterator
from typing import Any

from tools.base import Tool, ToolArgs

_KEY = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_TAKEN = ("grants",)  # addresses under /api/v1/tools/
_WORDS = ("key", "label", "description")


def flaws_of(tool: Any) -> Iterator[str]:
    """What is wrong with the class of a tool; nothing where it can be used."""
    if not (isinstance(tool, type) and issubclass(tool, Tool)):
        yield "it is no subclass of tools.base.Tool"
        return
    found = [*_missing(tool), *_unfit(tool)]
    yield from found or _untellable(tool)


def _missing(tool: type[Tool[Any]]) -> Iterator[str]:
    for name in _WORDS:
        value = getattr(tool, name, None)
        if not isinstance(value, str) or not value.strip():
            yield f"it has no {name}"
        elif name == "key" and not _KEY.fullmatch(value):
            yield "its key is not of 1 to 64 letters, digits, “_” and “-”, as models write it"
        elif name == "key" and value in _TAKEN:
            yield f"its key is taken: {value} is an address of the API"
    if inspect.isabstract(tool):
        yield "it does not say what `call` does"
    elif not inspect.iscoroutinefunction(tool.call):
        yield "its `call` is not async"


def _unfit(tool: type[Tool[Any]]) -> Iterator[str]:
    args = getattr(tool, "args", None)
    if not (isinstance(args, type) and issubclass(args, ToolArgs)):
        yield "its `args` is no subclass of tools.base.ToolArgs"
    elif args.model_config.get("extra") != "forbid":
        yield "its `args` takes names that it does not know"
    if not isinstance(tool.timeout_s, int | float) or tool.timeout_s <= 0:
        yield "its `timeout_s` is no number of seconds"


def _untellable(tool: type[Tool[Any]]) -> Iterator[str]:
    try:
        tool().spec()
    except Exception as error:  # whatever a class of somebody else's does when it is made
        said = f"{type(error).__name__}: {error}"
        yield f"it cannot be made without arguments, or told to a model: {said}"
