"""A graph in columns: nodes by how deep they lie, and lanes for the edges that pass a column by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workflows.definition.graph import Edge, GraphDefinition
from workflows.definition.layers import depths, forward_edges

_SWEEPS = 3


@dataclass(frozen=True, slots=True)
class Lane:
    """Where an edge passes a column."""

    source: str
    port: str
    target: str
    column: int


Slot = str | Lane


@dataclass(frozen=True, slots=True)
class Columns:
    """From left to right, each from top to bottom; `ways` gives the lanes of each forward edge."""

    slots: Sequence[Sequence[Slot]]
    ways: Mapping[Edge, Sequence[Lane]]


def columns(graph: GraphDefinition) -> Columns:
    """Every node and lane in its column, in an order that crosses few edges."""
    depth = depths(graph)
    slots: list[list[Slot]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for node in graph.nodes:
        slots[depth[node.id]].append(node.id)
    ways: dict[Edge, Sequence[Lane]] = {}
    pairs: list[tuple[Slot, Slot]] = []
    for edge in dict.fromkeys(forward_edges(graph)):
        passed = range(depth[edge.source] + 1, depth[edge.target])
        lanes = [Lane(edge.source, edge.source_port, edge.target, at) for at in passed]
        for lane in lanes:
            slots[lane.column].append(lane)
        stops: list[Slot] = [edge.source, *lanes, edge.target]
        pairs += zip(stops, stops[1:], strict=False)
        ways[edge] = lanes
    return Columns(_uncrossed(slots, pairs), ways)


def _uncrossed(
    slots: list[list[Slot]], pairs: Sequence[tuple[Slot, Slot]]
) -> Sequence[Sequence[Slot]]:
    """Each slot at the mean height of its neighbours, first of those before it, then after."""
    before: dict[Slot, list[Slot]] = {slot: [] for column in slots for slot in column}
    after: dict[Slot, list[Slot]] = {slot: [] for slot in before}
    for one, other in pairs:
        after[one].append(other)
        before[other].append(one)
    height: dict[Slot, float] = {}
    for column in slots:
        height |= _heights(column)
    for _ in range(_SWEEPS):
        for near, order in ((before, slots), (after, slots[::-1])):
            for column in order:
                mean = {slot: _mean(slot, near[slot], height) for slot in column}
                column.sort(key=mean.__getitem__)
                height |= _heights(column)
    return slots


def _heights(column: Sequence[Slot]) -> dict[Slot, float]:
    """From the middle, so that columns of different lengths compare."""
    return {slot: at - (len(column) - 1) / 2 for at, slot in enumerate(column)}


def _mean(slot: Slot, near: Sequence[Slot], height: Mapping[Slot, float]) -> float:
    return sum(height[one] for one in near) / len(near) if near else height[slot]
