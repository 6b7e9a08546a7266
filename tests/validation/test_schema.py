"""Is it a graph, and does every type of node know its settings?"""

import pytest

from tests.validation.drawing import check, drawn, errors, line, told


def test_a_straight_graph_has_no_issues():
    assert check(line(ask="model", wait=("delay", {"seconds": 1}))) == []


@pytest.mark.parametrize("alias", ["llm", "call_model"])
def test_the_types_of_the_earlier_system_load(alias):
    assert check(line(ask=alias)) == []


@pytest.mark.parametrize(
    ("document", "code", "path"),
    [
        ([], "model_type", ""),
        ({}, "missing", "nodes"),
        ({**line(), "colour": "red"}, "extra_forbidden", "colour"),
        ({**line(), "a b": 1}, "extra_forbidden", '["a b"]'),
        ({"nodes": [{"id": "a"}]}, "missing", "nodes[0].type"),
        ({"nodes": [{"id": "a b", "type": "end"}]}, "string_pattern_mismatch", "nodes[0].id"),
        ({"nodes": [{"id": "a" * 65, "type": "end"}]}, "string_too_long", "nodes[0].id"),
        ({"nodes": [{"id": 7, "type": "end"}]}, "string_type", "nodes[0].id"),
        ({**line(), "edges": [{"source": "start"}]}, "missing", "edges[0].target"),
        ({**line(), "edges": [{"source": 1, "target": "end"}]}, "string_type", "edges[0].source"),
        (line(x="teleport"), "unknown_node_type", "nodes[1].type"),
        (line(x=("delay", {"secs": 1})), "extra_forbidden", "nodes[1].config.secs"),
        (line(x=("delay", {"seconds": -1})), "greater_than_equal", "nodes[1].config.seconds"),
        (line(x=("delay", {"seconds": "long"})), "float_parsing", "nodes[1].config.seconds"),
        (line(x=("variable", {})), "missing", "nodes[1].config.name"),
        (line(x=("memory", {"window": 1.5})), "int_from_float", "nodes[1].config.window"),
        (line(x=("delay", {"pause": "{{params.x}}"})), "extra_forbidden", "nodes[1].config.pause"),
    ],
)
def test_what_is_wrong_has_a_code_and_a_path(document, code, path):
    assert (code, path) in errors(document)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"nodes": 5}, "Input should be a list"),
        ({"nodes": [5]}, "Input should be an object"),
        (line(x=("model", {"tools": "clock"})), "Input should be a list"),
        (line(x=("model", {"cache": 5})), "Input should be an object"),
        (line(x=("model", {"output_schema": 5})), "Input should be an object"),
        (line(x=("map", {"items": ""})), "It should not be empty"),
        (
            line(x=("model", {"fallbacks": ["p:m"] * 6})),
            "List should have at most 5 items after validation, not 6",
        ),
        (
            line(
                x=("subworkflow", {"definition": "d", "input": {f"n{at}": 1 for at in range(51)}})
            ),
            "Object should have at most 50 items after validation, not more",
        ),
        (line(x=("conditional", {})), "Give either a condition or branches."),
    ],
)
def test_what_is_wrong_is_told_in_words_of_json(document, message):
    assert message in [issue.message for issue in check(document)]


def test_a_parameter_takes_the_place_of_a_typed_setting():
    assert check(line(x=("delay", {"seconds": "{{params.pause}}"}))) == []


def test_a_node_that_parameters_complete_has_its_ports_checked_all_the_same():
    nodes = {"start": "start", "x": ("delay", {"seconds": "{{params.pause}}"}), "end": "end"}
    assert errors(drawn(nodes, "start>x", "x.left>end")) == [
        ("unknown_port", "edges[1].source_port")
    ]


@pytest.mark.parametrize(
    ("part", "code", "path"),
    [
        ({"data": {}}, "extra_forbidden", "nodes[1].data"),
        ({"label": "x" * 121}, "string_too_long", "nodes[1].label"),
        ({"position": {"x": "left"}}, "float_parsing", "nodes[1].position.x"),
        ({"position": {"z": 1}}, "extra_forbidden", "nodes[1].position.z"),
        ({"id": "node-1"}, "string_pattern_mismatch", "nodes[1].id"),
    ],
)
def test_a_part_that_no_graph_has_does_not_hide_what_else_is_wrong(part, code, path):
    node = {"id": "x", "type": "model", "config": {"max_tokens": -1}, **part}
    edges = [
        {"source": "start", "target": node["id"], "id": "e1"},
        {"source": node["id"], "source_port": "left", "target": "nowhere"},
    ]
    nodes = [{"id": "start", "type": "start"}, node, {"id": "end", "type": "end"}]
    document = {"nodes": nodes, "edges": edges, "viewport": {}}
    assert errors(document) == [
        (code, path),
        ("extra_forbidden", "edges[0].id"),
        ("extra_forbidden", "viewport"),
        ("greater_than_equal", "nodes[1].config.max_tokens"),
        ("unknown_node", "edges[1].target"),
        ("unreachable", "nodes[2]"),
        ("end_unreachable", "nodes"),
    ]


def test_one_wrong_setting_does_not_hide_what_else_is_wrong():
    document = drawn(
        {"start": "start", "x": ("delay", {"seconds": -1}), "y": "teleport", "end": "end"},
        "start.left>x",
        "x>end",
    )
    assert told(check(document)) == [
        ("greater_than_equal", "nodes[1].config.seconds"),
        ("unknown_node_type", "nodes[2].type"),
        ("unknown_port", "edges[0].source_port"),
        ("port_unused", "nodes[0]"),
        ("unreachable", "nodes[2]"),
    ]
