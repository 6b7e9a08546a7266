"""What each type of node does, in a graph that really runs."""

import pytest

from tests.fakes import FakeServices, run_graph
from workflows.engine.errors import NodeError, RunFailed
from workflows.engine.events import NodeFailed, NodeFinished


def test_a_model_is_asked_about_what_arrives_and_its_answer_is_the_run_s():
    ran = run_graph({"start": {}, "model": {}, "end": {}}, ["start>model", "model>end"], "hi")
    assert ran.result.text == "answer to hi"


def test_instructions_may_refer_to_the_run():
    nodes = {"start": {}, "model": {"config": {"system": "Be {{input.message}}."}}, "end": {}}
    ran = run_graph(nodes, ["start>model", "model>end"], "brief")
    [question] = ran.services.asked
    assert [message.text for message in question.messages] == ["Be brief.", "brief"]


@pytest.mark.parametrize(
    ("message", "expected"), [("Bob", "answer to Bob"), ("bob", "bob")], ids=["true", "false"]
)
def test_a_condition_chooses_a_port_and_keeps_case(message, expected):
    nodes = {
        "start": {},
        "is_bob": {"type": "conditional", "config": {"condition": "text == 'Bob'"}},
        "model": {},
        "end": {},
    }
    edges = ["start>is_bob", "is_bob.true>model", "model>end", "is_bob.false>end"]
    assert run_graph(nodes, edges, message).result.text == expected


@pytest.mark.parametrize("condition", ["nobody == 1", "text", "variables.missing > 1", "1 +"])
def test_a_condition_that_cannot_be_told_is_an_error_never_true(condition):
    nodes = {
        "start": {},
        "check": {"type": "conditional", "config": {"condition": condition}},
        "end": {},
    }
    with pytest.raises(RunFailed) as failed:
        run_graph(nodes, ["start>check", "check.true>end"])
    assert (failed.value.node, failed.value.code) == ("check", "bad_expression")


def test_variables_are_set_appended_to_and_counted():
    def variable(**config):
        return {"type": "variable", "config": config}

    nodes = {
        "start": {},
        "a": variable(name="n", value=1),
        "b": variable(name="n", operation="increment", expression="2 + 3"),
        "c": variable(name="list", operation="append", expression="text"),
        "d": variable(name="n", operation="decrement"),
        "end": {},
    }
    ran = run_graph(nodes, ["start>a", "a>b", "b>c", "c>d", "d>end"], "x")
    assert ran.result.variables == {"n": 5, "list": ["x"]}


def test_parallel_branches_count_together():
    def counter(by):
        return {
            "type": "variable",
            "config": {"name": "n", "operation": "increment", "value": by},
        }

    nodes = {"start": {}, "a": counter(1), "b": counter(10), "end": {}}
    ran = run_graph(nodes, ["start>a", "start>b", "a>end", "b>end"])
    assert ran.result.variables == {"n": 11}


def test_a_join_of_uneven_branches_runs_once_after_all_that_were_taken():
    nodes = {
        "start": {},
        "check": {"type": "conditional", "config": {"condition": "text == 'x'"}},
        "long1": {"type": "model"},
        "long2": {"type": "model"},
        "short": {"type": "model"},
        "never": {"type": "model"},
        "join": {"type": "model"},
        "end": {},
    }
    edges = [
        *("start>long1", "long1>long2", "long2>join", "start>short", "short>join"),
        *("start>check", "check.true>never", "never>join", "join>end"),
    ]
    ran = run_graph(nodes, edges, "go")
    asked = [question.node for question in ran.services.asked]
    assert sorted(asked) == ["join", "long1", "long2", "short"]
    assert asked[-1] == "join"
    assert "never" not in [event.node for event in ran.events if isinstance(event, NodeFinished)]


def test_a_delay_asks_for_its_time():
    nodes = {"start": {}, "delay": {"config": {"seconds": 2.5}}, "end": {}}
    ran = run_graph(nodes, ["start>delay", "delay>end"], "kept")
    assert ran.services.slept == [2.5]
    assert ran.result.text == "kept"


def test_an_error_leaves_by_its_port_when_an_edge_takes_it_up():
    nodes = {"start": {}, "model": {}, "end": {"config": {"output": "{{nodes.model.code}}"}}}
    services = FakeServices(answers={"model": NodeError("too_hot", "No.")})
    ran = run_graph(nodes, ["start>model", "model.error>end"], services=services)
    assert ran.result.text == "too_hot"
    assert [event.code for event in ran.events if isinstance(event, NodeFailed)] == ["too_hot"]


def test_an_error_nobody_takes_up_fails_the_run_and_names_the_node():
    services = FakeServices(answers={"model": ZeroDivisionError("secret detail")})
    with pytest.raises(RunFailed) as failed:
        run_graph(
            {"start": {}, "model": {}, "end": {}}, ["start>model", "model>end"], "x", services
        )
    assert (failed.value.node, failed.value.code) == ("model", "node_crashed")
    assert "secret" not in failed.value.message
