"""The names of nodes in runs within a run, read back; `engine.nesting` makes them (pure)."""

import re
from collections.abc import Iterator

Place = tuple[str, int]  # a visit: its node, named from the whole run, and its number
_STEP = re.compile(r"(.*?)(?:#(\d+))?(?:\[(\d+)\])?")


def around(name: str) -> Iterator[Place]:
    """The visits within which a node of this name runs, the innermost first."""
    while (found := _STEP.fullmatch(name.rpartition("/")[0])) and found[1]:
        name = found[1]
        yield name, int(found[2] or 1)


def items_around(name: str) -> Iterator[tuple[Place, int]]:
    """The items within which a node of this name runs: the visit of the map, and its number."""
    while (found := _STEP.fullmatch(name.rpartition("/")[0])) and found[1]:
        name = found[1]
        if found[3]:
            yield (name, int(found[2] or 1)), int(found[3])
