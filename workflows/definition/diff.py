"""What became of a graph: nodes, settings and edges that came, went or changed.

Where nodes are drawn does not count. Nodes are matched by their ids, settings by their paths; lists
are compared item by item.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import zip_longest
from typing import Any

from workflows.definition.graph import Edge, GraphDefinition, NodeSpec

_NOTHING = object()


@dataclass(frozen=True, slots=True)
class Setting:
    """One value that differs; None also stands for a value that is not there."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class ChangedNode:
    id: str
    changes: tuple[Setting, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """`reordered`: parts of both in another order, which can change how texts are joined."""

    nodes_added: tuple[NodeSpec, ...]
    nodes_removed: tuple[NodeSpec, ...]
    nodes_changed: tuple[ChangedNode, ...]
    edges_added: tuple[Edge, ...]
    edges_removed: tuple[Edge, ...]
    reordered: bool

    @property
    def same(self) -> bool:
        """Whether both run the same."""
        return not any(getattr(self, name) for name in self.__slots__)

    def to_json(self) -> dict[str, Any]:
        return {
            "same": self.same,
            "nodes_added": [_named(node) for node in self.nodes_added],
            "nodes_removed": [_named(node) for node in self.nodes_removed],
            "nodes_changed": [asdict(node) for node in self.nodes_changed],
            "edges_added": [edge.model_dump() for edge in self.edges_added],
            "edges_removed": [edge.model_dump() for edge in self.edges_removed],
            "reordered": self.reordered,
        }


def difference(before: GraphDefinition, after: GraphDefinition) -> Difference:
    """What changed on the way from one graph to the other."""
    old, new = before.by_id, after.by_id
    changed = [ChangedNode(key, tuple(_changes(old[key], new[key]))) for key in new if key in old]
    found = Difference(
        nodes_added=tuple(node for key, node in new.items() if key not in old),
        nodes_removed=tuple(node for key, node in old.items() if key not in new),
        nodes_changed=tuple(node for node in changed if node.changes),
        edges_added=tuple(edge for edge in after.edges if edge not in before.edges),
        edges_removed=tuple(edge for edge in before.edges if edge not in after.edges),
        reordered=_moved([*old], [*new]) or _moved(before.edges, after.edges),
    )
    if found.same and before.canonical != after.canonical:
        return replace(found, reordered=True)
    return found


def _moved(before: Sequence[Hashable], after: Sequence[Hashable]) -> bool:
    """Whether what is in both is in another order."""
    both = {*before} & {*after}
    return [one for one in before if one in both] != [one for one in after if one in both]


def _changes(before: NodeSpec, after: NodeSpec) -> Iterator[Setting]:
    for name in ("type", "label"):
        if getattr(before, name) != getattr(after, name):
            yield Setting(name, getattr(before, name), getattr(after, name))
    yield from _settings("config", before.config, after.config)


def _settings(path: str, before: Any, after: Any) -> Iterator[Setting]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys([*before, *after]):
            pair = (before.get(key, _NOTHING), after.get(key, _NOTHING))
            yield from _settings(f"{path}.{key}", *pair)
    elif isinstance(before, list) and isinstance(after, list):
        for at, pair in enumerate(zip_longest(before, after, fillvalue=_NOTHING)):
            yield from _settings(f"{path}.{at}", *pair)
    elif before != after or type(before) is not type(after):
        yield Setting(path, *(None if value is _NOTHING else value for value in (before, after)))


def _named(node: NodeSpec) -> dict[str, str]:
    return {"id": node.id, "type": node.type, "label": node.label}
