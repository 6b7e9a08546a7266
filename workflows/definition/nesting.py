"""How a graph names the workflows that its nodes run (pure)."""

import re
from collections.abc import Mapping
from typing import Any

NESTING = ("subworkflow",)  # the types of nodes that run a workflow
_ENDS = re.compile(r"[/#\[]")
_ITEMS = re.compile(r"^([^/\[]+\[\d+\]/)+")
MOST_NAME_CHARACTERS = 255  # of a node in log and ledger, with the path to it


def is_inner(name: str) -> bool:
    """Whether a name in log or ledger is of a node within another node."""
    return "/" in name


def without_items(name: str) -> str:
    """The name without the items it stands in: `each[3]/draft` is `draft` of the same graph."""
    return _ITEMS.sub("", name)


def outermost(name: str) -> str:
    """The node of the run's own graph within which a name in log or ledger stands."""
    return _ENDS.split(name, maxsplit=1)[0]


def workflow_name(config: Mapping[str, Any]) -> str:
    """`id`, or `id@number` for one of its history; empty when it cannot be known from here."""
    name, number = config.get("definition"), config.get("version")
    if not isinstance(name, str) or isinstance(number, bool):
        return ""
    if number is None:
        return name
    return f"{name}@{number}" if isinstance(number, int) else ""
