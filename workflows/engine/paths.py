"""The names of nodes in runs within a run, read back; `engine.nesting` makes them (pure)."""

import re
from collections.abc import Iterator

Place = tuple[str, int]  # a visit: its node, named from the whole run, and its number
_STEP = re.compile(r"(.*?)(?:#(\d+))?(?:\[(\d+)\])?")


def path_to(node: str) -> str:
    """The way to the graph that a node of this name is in; empty for that of the run."""
    return node.rpartition("/")[0]


def around(name: str) -> Iterator[Place]:
    """The visits within which a node of this name runs, the innermost first."""
    while (found := _STEP.fullmatch(path_to(name))) and found[1]:
        name = found[1]
        yield name, int(found[2] or 1)


def items_around(name: str) -> Iterator[tuple[Place, int]]:
    """The items within which a node of this name runs: the visit of the map, and its number."""
    while (found := _STEP.fullmatch(path_to(name))) and found[1]:
        name = found[1]
        if found[3]:
            yield (name, int(found[2] or 1)), int(found[3])
