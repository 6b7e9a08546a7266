"""How much a graph may be."""

from tests.validation.drawing import check, drawn, line, told
from workflows.validation.bounds import Limits


def long(count: int):
    return line(**{f"n{at}": "delay" for at in range(count - 2)})


def test_eighty_nodes_are_a_warning_and_a_hundred_and_one_are_refused():
    assert check(long(79)) == []
    assert told(check(long(80))) == [("many_nodes", "nodes")]
    assert told(check(long(100))) == [("many_nodes", "nodes")]
    [issue] = check(long(101))
    assert (issue.code, issue.severity) == ("too_many_nodes", "error")


def test_two_hundred_and_one_edges_are_refused():
    document = drawn({"start": "start", "end": "end"}, *["start>end"] * 201)
    assert told(check(document)) == [("too_many_edges", "edges")]


def test_a_graph_a_thousand_times_too_large_is_told_at_once():
    edges = [{"source": "a", "target": "b"}] * 10_000
    document = {"nodes": [{"id": "a", "type": "delay"}] * 10_000, "edges": edges}
    assert told(check(document)) == [("too_many_nodes", "nodes"), ("too_many_edges", "edges")]


def test_the_settings_of_a_node_have_an_end():
    document = line(x=("variable", {"name": "v", "value": "a " * 60_000}))
    assert told(check(document)) == [("config_too_large", "nodes[1].config")]


def test_the_expressions_of_a_graph_have_an_end():
    values = ["{{nodes.start.text}}"] * 6
    document = line(x=("variable", {"name": "v", "value": values}))
    assert check(document, limits=Limits(expressions=6)) == []
    assert told(check(document, limits=Limits(expressions=5))) == [
        ("too_many_expressions", "nodes")
    ]
