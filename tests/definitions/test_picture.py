"""A graph can be drawn, however it goes; and its size is told."""

import re
from itertools import pairwise

from hypothesis import given

from tests.definitions.graphs import graph, waits
from tests.laws.graphs import graphs
from workflows.definition.complexity import complexity
from workflows.definition.graph import GraphDefinition
from workflows.definition.layers import depths, forward_edges
from workflows.definition.picture import HEIGHT, WIDTH, picture


def of(*nodes, edges=None):
    return GraphDefinition.model_validate(graph(*nodes, edges=edges))


BRANCH = of(
    {"id": "c", "type": "conditional", "config": {"condition": "true"}},
    waits(1, "a"),
    waits(1, "b"),
    edges=["start>c", "c.true>a", "c.false>b", "a>end", "b>end", "start>end"],
)
LOOP = of(waits(1, "a"), waits(1, "b"), edges=["start>a", "a>b", "b>a", "b>end"])


def test_a_node_stands_behind_all_that_come_before_it():
    assert depths(BRANCH) == {"start": 0, "c": 1, "a": 2, "b": 2, "end": 3}


def test_a_loop_has_an_order_too():
    assert depths(LOOP) == {"start": 0, "a": 1, "b": 2, "end": 3}
    back = [edge for edge in LOOP.edges if edge not in forward_edges(LOOP)]
    assert [(edge.source, edge.target) for edge in back] == [("b", "a")]
    assert [wire.back for wire in picture(LOOP).wires] == [False, False, True, False]


def test_an_edge_passes_beside_nodes_not_through_them():
    drawn = picture(BRANCH)
    at = [(edge.source, edge.target) for edge in BRANCH.edges].index(("start", "end"))
    _, *lanes = re.findall(r"L([\d.]+) ([\d.]+)", drawn.wires[at].path)
    assert len(lanes) == 2
    for x, y in lanes:
        column = [box for box in drawn.boxes if box.x + WIDTH == float(x)]
        assert column
        assert not any(box.y <= float(y) <= box.y + HEIGHT for box in column)


def test_edges_between_the_same_nodes_lie_beside_one_another():
    asked = of(
        {"id": "ask", "type": "approval", "config": {"question": "?"}},
        edges=["start>ask", "ask.approved>end", "ask.rejected>end", "ask.error>end"],
    )
    again = of(waits(1, "a"), waits(1, "b"), edges=["start>a", "a>b", "b.yes>a", "b.no>a", "b>end"])
    for drawn in (picture(asked), picture(again)):
        named = [wire for wire in drawn.wires if wire.port]
        assert len({wire.path for wire in named}) == len(named)
        heights = sorted(wire.y for wire in named)
        assert all(below - above >= 12 for above, below in pairwise(heights))


def test_a_long_graph_is_no_trouble():
    names = [f"n{at}" for at in range(3000)]
    edges = [f"{one}>{other}" for one, other in pairwise(["start", *names, "end"])]
    long = of(*(waits(0, name) for name in names), edges=edges[:1200])
    assert len(forward_edges(long)) == 1200


def test_the_size_of_a_graph_is_told():
    found = complexity(BRANCH)
    assert (found.nodes, found.edges, found.paths, found.depth) == (5, 6, 3, 4)
    assert complexity(LOOP).paths == 1


@given(graphs())
def test_boxes_lie_apart_and_inside_the_picture(one):
    drawn = picture(GraphDefinition.model_validate(one))
    for at, box in enumerate(drawn.boxes):
        assert 0 <= box.x <= drawn.width - WIDTH
        assert 0 <= box.y <= drawn.height - HEIGHT
        for other in drawn.boxes[at + 1 :]:
            assert abs(box.x - other.x) >= WIDTH or abs(box.y - other.y) >= HEIGHT
    assert len(drawn.boxes) == len(one["nodes"])
    assert len(drawn.wires) == len(one["edges"])
