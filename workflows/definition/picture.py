"""A graph as boxes and wires, from left to right in layers; a template draws them.

Where people put their nodes does not count: a picture is read in a place where nothing can be
moved, so it is always laid out for reading.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from workflows.definition.graph import OUT, GraphDefinition, NodeSpec
from workflows.definition.layers import forward_edges, layers

WIDTH, HEIGHT = 152, 50
ACROSS, DOWN = 68, 26
MARGIN = 16
_LETTERS = 18


@dataclass(frozen=True, slots=True)
class Box:
    """A node: `label` fits in, `title` is the whole of it."""

    id: str
    kind: str
    label: str
    title: str
    x: float
    y: float

    @property
    def text_x(self) -> float:
        return self.x + 14

    @property
    def text_y(self) -> float:
        return self.y + 22

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
    rows = layers(graph)
    tallest = max((len(row) for row in rows), default=1)
    height = tallest * (HEIGHT + DOWN) - DOWN
    boxes: dict[str, Box] = {}
    for column, row in enumerate(rows):
        top = MARGIN + (height - (len(row) * (HEIGHT + DOWN) - DOWN)) / 2
        for at, key in enumerate(row):
            x, y = MARGIN + column * (WIDTH + ACROSS), top + at * (HEIGHT + DOWN)
            boxes[key] = _box(graph.by_id[key], kind_label, x, y)
    wires = _wires(graph, boxes, MARGIN + height)
    return Picture(
        width=2 * MARGIN + max(len(rows), 1) * (WIDTH + ACROSS) - ACROSS,
        height=2 * MARGIN + height + (DOWN if any(wire.back for wire in wires) else 0),
        box_width=WIDTH,
        box_height=HEIGHT,
        boxes=tuple(boxes.values()),
        wires=wires,
    )


def _box(node: NodeSpec, kind_label: Callable[[str], str], x: float, y: float) -> Box:
    title = node.label or node.id
    label = title if len(title) <= _LETTERS else title[: _LETTERS - 1].rstrip() + "…"
    return Box(node.id, kind_label(node.type), label, title, x, y)


def _wires(graph: GraphDefinition, boxes: Mapping[str, Box], floor: float) -> tuple[Wire, ...]:
    forward = set(forward_edges(graph))
    found = []
    for edge in graph.edges:
        source, target = boxes[edge.source], boxes[edge.target]
        port = "" if edge.source_port == OUT else edge.source_port
        x1, y1 = source.x + WIDTH, source.y + HEIGHT / 2
        x2, y2 = target.x, target.y + HEIGHT / 2
        if edge in forward:
            bend = max((x2 - x1) / 2, ACROSS / 2)
            path = f"M{x1:g} {y1:g}C{x1 + bend:g} {y1:g} {x2 - bend:g} {y2:g} {x2:g} {y2:g}"
            at = _along((x1, y1), (x1 + bend, y1), (x2 - bend, y2), (x2, y2), 36 / (x2 - x1))
        else:
            low = floor + DOWN / 2
            path = f"M{x1:g} {y1:g}C{x1 + ACROSS:g} {low:g} {x2 - ACROSS:g} {low:g} {x2:g} {y2:g}"
            at = ((x1 + x2) / 2, low - 6)
        found.append(Wire(path, port, *at, back=edge not in forward))
    return tuple(found)


Point = tuple[float, float]


def _along(a: Point, b: Point, c: Point, d: Point, t: float) -> Point:
    """The point of a Bézier curve at `t`."""
    s = 1 - t
    weights = (s**3, 3 * s * s * t, 3 * s * t * t, t**3)
    x, y = (sum(w * p[i] for w, p in zip(weights, (a, b, c, d), strict=True)) for i in (0, 1))
    return x, y - 5
