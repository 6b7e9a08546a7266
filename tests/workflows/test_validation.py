"""A bad graph is told precisely, all at once, and never raises."""

import pytest

from workflows.validation import errors_in, validate

START, END = {"id": "start", "type": "start"}, {"id": "end", "type": "end"}
STRAIGHT = {"source": "start", "target": "end"}


def graph(*nodes, edges=(STRAIGHT,)):
    return {"nodes": [START, *nodes, END], "edges": list(edges)}


def through(node):
    edges = [{"source": "start", "target": node["id"]}, {"source": node["id"], "target": "end"}]
    return graph(node, edges=edges)


def codes(found):
    return {issue.code for issue in errors_in(found)}


def test_a_straight_graph_has_no_issues():
    assert validate(graph()) == []


@pytest.mark.parametrize("nonsense", [None, [], 7, "x", {}, {"nodes": 3}, {"nodes": [{}]}])
def test_nonsense_is_told_not_raised(nonsense):
    assert errors_in(validate(nonsense))


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (through({"id": "x", "type": "teleport"}), "unknown_node_type"),
        (through({"id": "x", "type": "delay", "config": {"secs": 1}}), "extra_forbidden"),
        (through({"id": "x", "type": "delay", "config": {"seconds": -1}}), "greater_than_equal"),
        (through({"id": "x", "type": "conditional", "config": {"condition": "1 +"}}), None),
        ({"nodes": [END], "edges": []}, "one_start"),
        ({"nodes": [START], "edges": []}, "no_end"),
        (graph({"id": "x", "type": "delay"}), "unreachable"),
        (graph(edges=[STRAIGHT, STRAIGHT]), "duplicate_edge"),
        (graph(edges=[STRAIGHT, {"source": "start", "target": "gone"}]), "unknown_node"),
        (graph(edges=[{**STRAIGHT, "source_port": "left"}]), "unknown_port"),
        (graph(START), "duplicate_id"),
        (through({"id": "x", "type": "model", "config": {"system": "{{nobody.x}}"}}), None),
        (
            through({"id": "x", "type": "model", "config": {"system": "{{nodes.end.text}}"}}),
            "reference_not_before",
        ),
    ],
)
def test_what_is_wrong_has_a_code_and_a_path(bad, code):
    found = errors_in(validate(bad))
    assert found
    assert all(issue.path and issue.message for issue in found)
    assert code is None or code in codes(found)


def test_a_cycle_is_refused():
    nodes = [{"id": "a", "type": "delay"}, {"id": "b", "type": "delay"}]
    edges = [("start", "a"), ("a", "b"), ("b", "a"), ("b", "end")]
    bad = graph(*nodes, edges=[{"source": s, "target": t} for s, t in edges])
    assert "cycle" in codes(validate(bad))


def test_a_function_that_does_not_exist_is_told():
    node = {"id": "x", "type": "conditional", "config": {"condition": "[1].all(x, sqrt(x) > 0)"}}
    edges = [
        {"source": "start", "target": "x"},
        {"source": "x", "source_port": "true", "target": "end"},
    ]
    assert codes(validate(graph(node, edges=edges))) == {"bad_expression"}


def test_a_parameter_takes_the_place_of_a_typed_setting():
    node = {"id": "x", "type": "delay", "config": {"seconds": "{{params.pause}}"}}
    assert not errors_in(validate(through(node)))
