"""What became of a graph is told by what runs, not by where it is drawn."""

from hypothesis import given
from hypothesis import strategies as st

from tests.definitions.graphs import graph
from tests.laws.graphs import graphs
from workflows.definition.diff import difference
from workflows.definition.graph import GraphDefinition


def compare(before, after):
    return difference(*(GraphDefinition.model_validate(one) for one in (before, after)))


def sets(value, **more):
    return graph({"id": "v", "type": "variable", "config": {"name": "x", "value": value, **more}})


def test_settings_are_compared_by_their_paths():
    found = compare(sets({"a": [1, 2, 3], "b": True}), sets({"a": [1, 5], "c": None}))
    changes = [(one.path, one.before, one.after) for one in found.nodes_changed[0].changes]
    assert changes == [
        ("config.value.a.1", 2, 5),
        ("config.value.a.2", 3, None),
        ("config.value.b", True, None),
        ("config.value.c", None, None),
    ]


def test_one_and_true_are_not_the_same():
    assert not compare(sets(1), sets(True)).same


def test_a_moved_node_is_no_difference():
    assert compare(graph(), graph(moved=300)).same


def test_another_order_of_the_same_parts_is_told():
    turned = graph()
    turned["nodes"].reverse()
    found = compare(graph(), turned)
    assert found.reordered
    assert not found.same


def test_another_order_is_told_beside_what_else_changed():
    turned = sets(2)
    turned["edges"].reverse()
    found = compare(sets(1), turned)
    assert found.reordered
    assert [node.id for node in found.nodes_changed] == ["v"]
    assert not compare(graph(), sets(1)).reordered


@given(graphs(), graphs())
def test_a_difference_is_empty_exactly_when_the_same_runs(before, after):
    found = compare(before, after)
    one, other = (GraphDefinition.model_validate(graph) for graph in (before, after))
    assert found.same == (one.content_hash == other.content_hash)


@given(graphs(), graphs())
def test_the_way_back_is_the_difference_turned_round(before, after):
    there, back = compare(before, after), compare(after, before)
    assert set(there.edges_added) == set(back.edges_removed)
    assert [n.id for n in there.nodes_added] == [n.id for n in back.nodes_removed]


@given(graphs(), st.floats(allow_nan=False, allow_infinity=False))
def test_a_layout_changes_no_hash(one, x):
    moved = {**one, "nodes": [{**node, "position": {"x": x, "y": 1}} for node in one["nodes"]]}
    first, second = (GraphDefinition.model_validate(graph) for graph in (one, moved))
    assert first.content_hash == second.content_hash
    assert compare(one, moved).same
