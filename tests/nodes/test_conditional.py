"""A branch: by one condition, or by the first of several that holds."""

import pytest

from tests.fakes import run_graph
from workflows.engine.errors import RunFailed
from workflows.validation import errors_in, validate

BRANCHES = [
    {"port": "greeting", "condition": "text.startsWith('Hi')"},
    {"port": "long", "condition": "size(text) > 5"},
]


def branching(message, branches=BRANCHES):
    nodes = {
        "start": {},
        "check": {"type": "conditional", "config": {"branches": branches}},
        **{
            name: {"type": "prompt", "config": {"template": f"{name}: {{{{ text }}}}"}}
            for name in ("greeted", "told", "other")
        },
        "end": {},
    }
    edges = ["start>check", "check.greeting>greeted", "check.long>told", "check.else>other"]
    return run_graph(nodes, [*edges, "greeted>end", "told>end", "other>end"], message).result.text


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Hi there, all", "greeted: Hi there, all"),
        ("something", "told: something"),
        ("short", "other: short"),
        ("hi", "other: hi"),
    ],
    ids=["first wins", "second", "else", "case counts"],
)
def test_the_first_condition_that_holds_chooses_the_port(message, expected):
    assert branching(message) == expected


def test_what_was_chosen_can_be_read_later():
    nodes = {
        "start": {},
        "check": {"type": "conditional", "config": {"condition": "text == 'x'"}},
        "end": {"config": {"output": "{{ nodes.check.port }} {{ nodes.check.holds }}"}},
    }
    edges = ["start>check", "check.true>end", "check.false>end"]
    assert run_graph(nodes, edges, "x").result.text == "true true"
    assert run_graph(nodes, edges, "y").result.text == "false false"


def test_a_condition_behind_the_one_that_holds_is_not_asked():
    broken = {"port": "broken", "condition": "variables.missing"}
    assert branching("Hi", [BRANCHES[0], broken]) == "greeted: Hi"


@pytest.mark.parametrize(
    "condition", ["variables.missing > 1", "text", "1 / 0 == 1", "[1][2] == 1"]
)
def test_a_branch_that_cannot_be_told_is_an_error_never_else(condition):
    with pytest.raises(RunFailed) as failed:
        branching("x", [{"port": "greeting", "condition": condition}])
    assert (failed.value.node, failed.value.code) == ("check", "bad_expression")


def graph(config, *ports):
    return {
        "nodes": [
            {"id": "start", "type": "start"},
            {"id": "check", "type": "conditional", "config": config},
            {"id": "end", "type": "end"},
        ],
        "edges": [
            {"source": "start", "target": "check"},
            *({"source": "check", "source_port": port, "target": "end"} for port in ports),
        ],
    }


def found(config, *ports):
    return {(issue.code, issue.path) for issue in errors_in(validate(graph(config, *ports)))}


def test_its_ports_are_those_of_its_branches():
    assert not found({"branches": BRANCHES}, "greeting", "long", "else", "error")
    assert found({"branches": BRANCHES}, "true") == {("unknown_port", "edges[1].source_port")}
    assert not found({"condition": "true"}, "true", "false", "error")
    assert found({"condition": "true"}, "else") == {("unknown_port", "edges[1].source_port")}


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"condition": "true", "branches": BRANCHES},
        {"branches": [*BRANCHES, BRANCHES[0]]},
        {"branches": [{"port": "else", "condition": "true"}]},
        {"branches": [{"port": "error", "condition": "true"}]},
        {"branches": [{"port": "a b", "condition": "true"}]},
        {"branches": [{"port": "a"}]},
        {"branches": "many"},
    ],
)
def test_a_branch_that_makes_no_sense_is_refused(config):
    assert found(config)


def test_each_condition_that_does_not_parse_is_told_with_its_place():
    branches = [*BRANCHES, {"port": "bad", "condition": "1 +"}]
    path = "nodes[1].config.branches[2].condition"
    assert found({"branches": branches}, "bad") == {("bad_expression", path)}
