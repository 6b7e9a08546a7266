"""A graph as boxes and wires, from left to right in columns; a template draws them.

Where people put their nodes does not count: a picture is read in a place where nothing can be
moved, so it is always laid out for reading.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from workflows.definition.columns import Columns, Lane, Slot, columns
from workflows.definition.graph import OUT, Edge, GraphDefinition, NodeSpec

WIDTH, HEIGHT = 150, 50
ACROSS, DOWN = 62, 24
MARGIN = 16
LANE = 12
BESIDE, SPREAD = 14, 40  # how far apart edges between the same two nodes are, and all of them

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """A node: `title` is what people call it, however long."""

    id: str
    kind: str
    title: str
    x: float
    y: float

    @property
    def text_x(self) -> float:
        return self.x + 14

    @property
    def kind_y(self) -> float:
        return self.y + 39


@dataclass(frozen=True, slots=True)
class Wire:
    """An edge: the path of a curve, and where the name of its port stands (none for `out`)."""

    path: str
    port: str
    x: float
    y: float
    back: bool


@dataclass(frozen=True, slots=True)
class Picture:
    width: float
    height: float
    box_width: float
    box_height: float
    boxes: tuple[Box, ...]
    wires: tuple[Wire, ...]


def picture(graph: GraphDefinition, kind_label: Callable[[str], str] = str) -> Picture:
    """Lay a graph out. `kind_label` says how people call a type of node."""
    found = columns(graph)
    height = max((_tall(column) for column in found.slots), default=HEIGHT)
    places: dict[Slot, Point] = {}
    for at, column in enumerate(found.slots):
        y = MARGIN + (height - _tall(column)) / 2
        for slot in column:
            places[slot] = (MARGIN + at * (WIDTH + ACROSS), y)
            y += _height(slot) + DOWN
    wires = tuple(
        _wire(edge, found, places, MARGIN + height, shift)
        for edge, shift in zip(graph.edges, _shifts(graph, found), strict=True)
    )
    return Picture(
        width=2 * MARGIN + max(len(found.slots), 1) * (WIDTH + ACROSS) - ACROSS,
        height=2 * MARGIN + height + (2 * DOWN if any(wire.back for wire in wires) else 0),
        box_width=WIDTH,
        box_height=HEIGHT,
        boxes=tuple(_box(node, kind_label, *places[node.id]) for node in graph.nodes),
        wires=wires,
    )


def _height(slot: Slot) -> int:
    return LANE if isinstance(slot, Lane) else HEIGHT


def _tall(column: Sequence[Slot]) -> int:
    return sum(_height(slot) + DOWN for slot in column) - DOWN


def _box(node: NodeSpec, kind_label: Callable[[str], str], x: float, y: float) -> Box:
    return Box(node.id, kind_label(node.type), node.label or node.id, x, y)


def _shifts(graph: GraphDefinition, found: Columns) -> list[float]:
    """How much lower each edge is drawn, so that none lies on another between the same nodes."""
    beside: dict[tuple[str, str], list[int]] = {}
    for at, edge in enumerate(graph.edges):
        if not found.ways.get(edge):  # else it has lanes of its own
            beside.setdefault((edge.source, edge.target), []).append(at)
    shifts = [0.0] * len(graph.edges)
    for edges in beside.values():
        apart = min(BESIDE, SPREAD / len(edges))
        for number, at in enumerate(edges):
            shifts[at] = (number - (len(edges) - 1) / 2) * apart
    return shifts


def _wire(
    edge: Edge, found: Columns, places: Mapping[Slot, Point], floor: float, shift: float
) -> Wire:
    """Through the lanes of an edge; one that leads back goes below everything."""
    port = "" if edge.source_port == OUT else edge.source_port
    lanes = found.ways.get(edge)
    if lanes is None:
        (x1, y1), (x2, y2) = _leaves(edge.source, places), _enters(edge.target, places)
        y1, y2, low = y1 + shift, y2 + shift, floor + 2 * DOWN + shift
        path = f"M{x1:g} {y1:g}C{x1 + ACROSS:g} {low:g} {x2 - ACROSS:g} {low:g} {x2:g} {y2:g}"
        return Wire(path, port, (x1 + x2) / 2, floor + DOWN + shift, back=True)
    stops: list[Slot] = [edge.source, *lanes, edge.target]
    x, y = _leaves(edge.source, places)
    middle = (x + ACROSS / 2, (y + _enters(stops[1], places)[1]) / 2 - 4 + shift)
    path = f"M{x:g} {y + shift:g}"
    for one, other in pairwise(stops):
        (x1, y1), (x2, y2) = _leaves(one, places), _enters(other, places)
        y1, y2 = y1 + shift, y2 + shift
        bend = ACROSS * 0.55
        path += f"L{x1:g} {y1:g}C{x1 + bend:g} {y1:g} {x2 - bend:g} {y2:g} {x2:g} {y2:g}"
    return Wire(path, port, *middle, back=False)


def _enters(slot: Slot, places: Mapping[Slot, Point]) -> Point:
    x, y = places[slot]
    return x, y + _height(slot) / 2


def _leaves(slot: Slot, places: Mapping[Slot, Point]) -> Point:
    x, y = _enters(slot, places)
    return x + WIDTH, y
