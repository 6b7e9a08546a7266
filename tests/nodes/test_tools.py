"""The tools node, and a model that has tools."""

import pytest

from tests.fakes import FakeReply, FakeServices, run_graph
from workflows.engine.errors import RunFailed
from workflows.engine.events import NodeFinished

EDGES = ["start>model", "model.tool_calls>tools", "tools>model", "model>end"]


def wants(*calls, text=""):
    asked = [{"id": f"c{at}", "name": name, "args": args} for at, (name, args) in enumerate(calls)]
    return FakeReply(text, "tool_calls", tuple(asked))


def in_turn(*answers):
    """Answers one question after the other; the last answer is given for ever."""
    left = list(answers)
    return lambda question: left.pop(0) if len(left) > 1 else left[0]


def talk(*answers, tools=None, has=("clock", "calculator"), **config):
    nodes = {
        "start": {}, "tools": {"config": tools or {}}, "end": {},
        "model": {"config": {"tools": list(has), **config}},
    }  # fmt: skip
    services = FakeServices(answers={"model": in_turn(*answers)})
    return run_graph(nodes, EDGES, "what time is it?", services)


def test_a_model_that_wants_no_tool_answers_at_once():
    ran = talk("noon")
    assert (ran.result.text, ran.services.called) == ("noon", [])
    assert ran.services.asked[0].tools == ("clock", "calculator")


def test_a_model_that_has_no_tools_has_none_called():
    said = wants(("clock", {"zone": "UTC"}), text="I cannot look it up.")
    ran = talk(said, "noon", has=())
    assert (ran.result.text, ran.services.called) == ("I cannot look it up.", [])


def test_what_a_tool_answers_is_given_back_to_the_model_that_asked():
    ran = talk(wants(("clock", {"zone": "UTC"}), text="let me see"), "noon")
    assert ran.result.text == "noon"
    question, asked, told = ran.services.asked[1].messages
    assert (question.role, question.text) == ("user", "what time is it?")
    assert (asked.role, asked.text, asked.tool_calls[0]["name"]) == (
        "assistant",
        "let me see",
        "clock",
    )
    assert (told.role, told.tool_call_id) == ("tool", "c0")
    assert told.text == "clock of {'zone': 'UTC'}"


def test_several_calls_of_one_message_are_answered_in_their_order():
    ran = talk(wants(("clock", 1), ("calculator", 2), ("clock", 3)), "done")
    told = [message.text for message in ran.services.asked[1].messages[-3:]]
    assert told == ["clock of 1", "calculator of 2", "clock of 3"]
    assert [call.call for call in ran.services.called] == [1, 2, 3]


def test_only_the_tools_that_the_model_was_offered_are_called_for_it():
    ran = talk(wants(("clock", 1), ("http_get", 2)), "done", has=["clock"])
    assert [(call.tool, call.offered) for call in ran.services.called] == [
        ("clock", True),
        ("http_get", False),
    ]


def test_more_calls_than_a_message_may_ask_for_are_told_so():
    ran = talk(wants(*[("clock", n) for n in range(4)]), "done", tools={"max_calls": 2})
    assert len(ran.services.called) == 2
    assert "Not called" in ran.services.asked[1].messages[-1].text


def test_a_model_may_call_tools_again_and_again_until_it_has_to_answer():
    calls = [wants(("clock", n)) for n in range(3)]
    ran = talk(*calls, "enough", max_rounds=3, system="Be brief.")
    assert ran.result.text == "enough"
    instructions = [question.messages[0].text for question in ran.services.asked]
    assert ["answer now" in text.lower() for text in instructions] == [False] * 3 + [True]


@pytest.mark.parametrize(
    "rounds",
    [
        [1, 1, 1],  # the same call again
        [1, 2, 1, 2],  # to and fro
    ],
)
def test_a_model_that_goes_in_circles_has_to_answer(rounds):
    ran = talk(*[wants(("clock", n)) for n in rounds], "stopped", max_rounds=50)
    assert ran.result.text == "stopped"
    assert len(ran.services.called) == len(rounds)


def test_a_model_that_will_not_answer_fails_the_run():
    with pytest.raises(RunFailed) as failed:
        talk(wants(("clock", {})), max_rounds=2)
    assert (failed.value.node, failed.value.code) == ("model", "too_many_tool_calls")


def test_without_a_model_that_asked_the_node_fails():
    with pytest.raises(RunFailed) as failed:
        run_graph({"start": {}, "tools": {}, "end": {}}, ["start>tools", "tools>end"])
    assert failed.value.code == "no_tool_calls"


def test_each_round_is_a_visit_and_leaves_by_its_port():
    ran = talk(wants(("clock", 1)), "noon")
    left = [
        (event.node, event.visit, event.port)
        for event in ran.events
        if isinstance(event, NodeFinished) and event.node in ("model", "tools")
    ]
    assert left == [("model", 1, "tool_calls"), ("tools", 1, "out"), ("model", 2, "out")]
