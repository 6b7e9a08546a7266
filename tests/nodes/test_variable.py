"""Variables: set, get, append, count; what is not there is dealt with on purpose."""

import pytest

from tests.fakes import run_graph
from workflows.engine.errors import RunFailed
from workflows.validation import errors_in, validate


def variables(*configs, output=""):
    """Run these operations one after the other."""
    names = [f"v{at}" for at in range(len(configs))]
    nodes = {
        name: {"type": "variable", "config": c} for name, c in zip(names, configs, strict=True)
    }
    order = ["start", *names, "end"]
    nodes = {"start": {}, **nodes, "end": {"config": {"output": output}}}
    edges = [f"{one}>{two}" for one, two in zip(order, order[1:], strict=False)]
    return run_graph(nodes, edges, "hello")


def after(*configs):
    return variables(*configs).result.variables


@pytest.mark.parametrize(
    ("config", "value"),
    [
        ({"value": 7}, 7),
        ({"value": {"a": [1, None]}}, {"a": [1, None]}),
        ({"value": "{{ text }}, {{ 1 + 1 }}"}, "hello, 2"),
        ({"value": {"list": ["{{ size(text) }}"]}}, {"list": [5]}),
        ({"expression": "text + '!'"}, "hello!"),
        ({"expression": "[1, 2].map(n, n * 2)"}, [2, 4]),
        ({"expression": "", "value": 1}, 1),
        ({}, None),
    ],
)
def test_a_variable_is_set_to(config, value):
    assert after({"name": "v", **config}) == {"v": value}


def test_a_later_operation_sees_the_earlier_one():
    assert after({"name": "a", "value": 2}, {"name": "b", "expression": "variables.a * 1.5"}) == {
        "a": 2,
        "b": 3.0,
    }


def test_to_append_starts_a_list_and_goes_on_with_it():
    add = {"name": "v", "operation": "append"}
    assert after({**add, "value": "a"}, {**add, "expression": "text"}) == {"v": ["a", "hello"]}
    assert after({"name": "v", "value": 1}, {**add, "value": 2}) == {"v": [1, 2]}


def test_counting_starts_at_nothing_and_counts_by_one():
    up, down = ({"name": "v", "operation": op} for op in ("increment", "decrement"))
    assert after(up) == {"v": 1}
    assert after(down) == {"v": -1}
    assert after(up, {**up, "value": 2.5}, {**down, "expression": "1 + 1"}) == {"v": 1.5}


def test_the_value_afterwards_can_be_read():
    up = {"name": "v", "operation": "increment", "value": 5}
    assert (
        variables(up, up, output="{{ nodes.v0.value }} {{ nodes.v1.value }}").result.text == "5 10"
    )


def test_a_variable_is_read():
    got = {"name": "v", "operation": "get"}
    assert (
        variables({"name": "v", "value": 3}, got, output="{{ nodes.v1.value }}").result.text == "3"
    )


def test_a_variable_that_is_not_there_has_its_default_and_only_then():
    got = {"name": "v", "operation": "get", "default": "none of {{ text }}"}
    assert variables(got, output="{{ nodes.v0.value }}").result.text == "none of hello"
    null = {"name": "v", "operation": "get", "default": None}
    assert variables(null, output="[{{ nodes.v0.value }}]").result.text == "[]"
    assert "v" not in after(got)


@pytest.mark.parametrize(
    ("configs", "code"),
    [
        ([{"name": "v", "operation": "get"}], "no_such_variable"),
        ([{"name": "v", "value": "{{ variables.gone }}"}], "bad_expression"),
        ([{"name": "v", "expression": "variables.gone + 1"}], "bad_expression"),
        ([{"name": "v", "operation": "increment", "value": "x"}], "not_a_number"),
        ([{"name": "v", "operation": "increment", "value": True}], "not_a_number"),
        ([{"name": "v", "value": "x"}, {"name": "v", "operation": "increment"}], "not_a_number"),
        (
            [
                {"name": "v", "value": 1e308},
                {"name": "v", "operation": "increment", "value": 1e308},
            ],
            "not_a_number",
        ),
    ],
)
def test_what_cannot_be_done_fails_with_a_code(configs, code):
    with pytest.raises(RunFailed) as failed:
        variables(*configs)
    assert (failed.value.node, failed.value.code) == (f"v{len(configs) - 1}", code)


@pytest.mark.parametrize(
    "config",
    [
        {"name": "1v"},
        {"name": "v", "operation": "multiply"},
        {"name": "v", "default": 1},
        {"name": "v", "expression": "1 +"},
        {"name": "v", "value": ["{{ nobody }}"]},
        {"name": "v", "value": "{{ nodes.end.text }}"},
    ],
)
def test_what_makes_no_sense_is_told_before_it_runs(config):
    graph = {
        "nodes": [
            {"id": "start", "type": "start"},
            {"id": "v", "type": "variable", "config": config},
            {"id": "end", "type": "end"},
        ],
        "edges": [{"source": "start", "target": "v"}, {"source": "v", "target": "end"}],
    }
    issues = errors_in(validate(graph))
    assert issues
    assert all(issue.path.startswith("nodes[1].config") for issue in issues)
