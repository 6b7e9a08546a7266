"""What each type of node does, in a graph that really runs."""

import pytest

from llms.messages import ChatMessage
from tests.fakes import FakeServices, run_graph
from workflows.engine.context import History
from workflows.engine.errors import NodeError, RunFailed
from workflows.engine.events import NodeFailed, NodeFinished

CHAIN = ["start>memory", "memory>model", "model>end"]


def chat(config, said):
    nodes = {"start": {}, "memory": {"config": config}, "model": {}, "end": {}}
    services = FakeServices(said=said, answers={"memory": "they met", "model": "fine"})
    return run_graph(nodes, CHAIN, "and now?", services)


def history(turns, summary="", through=0):
    messages, numbers = [], []
    for turn in range(1, turns + 1):
        messages += [ChatMessage("user", f"q{turn}"), ChatMessage("assistant", f"a{turn}")]
        numbers += [turn, turn]
    return History(messages, numbers, summary, through)


def seen(ran):
    return [message.text for message in ran.services.asked[-1].messages]


def test_a_model_is_asked_about_what_arrives_and_its_answer_is_the_run_s():
    ran = run_graph({"start": {}, "model": {}, "end": {}}, ["start>model", "model>end"], "hi")
    assert ran.result.text == "answer to hi"


def test_instructions_may_refer_to_the_run():
    nodes = {"start": {}, "model": {"config": {"system": "Be {{input.message}}."}}, "end": {}}
    ran = run_graph(nodes, ["start>model", "model>end"], "brief")
    assert seen(ran) == ["Be brief.", "brief"]


def test_within_the_window_the_model_sees_the_conversation_as_it_was():
    ran = chat({"window": 4}, history(2))
    assert seen(ran) == ["q1", "a1", "q2", "a2", "and now?"]
    assert [question.purpose for question in ran.services.asked] == ["answer"]


def test_beyond_the_window_the_model_sees_a_summary_and_the_rest():
    ran = chat({"window": 2}, history(3))
    assert seen(ran) == ["The conversation so far: they met", "q3", "a3", "and now?"]
    summary = ran.services.asked[0]
    assert (summary.purpose, summary.node) == ("summary", "memory")
    assert "q1" in summary.messages[-1].text
    assert ran.result.memory.through == 2


def test_a_kept_summary_is_extended_only_by_what_left_the_window_since():
    ran = chat({"window": 2}, history(3, summary="old", through=1))
    told = ran.services.asked[0].messages[-1].text
    assert "Summary so far: old" in told
    assert "q2" in told
    assert "q1" not in told


def test_an_odd_window_parts_no_answer_from_its_question():
    """A summary goes by turns: half of one would be neither in it nor in the window."""
    first = chat({"window": 3}, history(3))
    assert seen(first) == ["The conversation so far: they met", "q2", "a2", "q3", "a3", "and now?"]
    assert first.result.memory.through == 1
    later = chat({"window": 3}, history(4, summary="old", through=1))
    assert "q2\n\nassistant: a2" in later.services.asked[0].messages[-1].text
    assert seen(later)[1:] == ["q3", "a3", "q4", "a4", "and now?"]


def test_without_summaries_old_messages_are_only_left_out():
    ran = chat({"window": 2, "summarise": False}, history(3))
    assert seen(ran) == ["q3", "a3", "and now?"]


def test_switched_off_memory_shows_the_model_nothing_of_before():
    assert seen(chat({"enabled": False}, history(3))) == ["and now?"]


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
