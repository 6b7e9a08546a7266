"""A person decides: what is asked, what is known of the decision, and which way the run goes."""

from dataclasses import replace
from typing import ClassVar

import pytest
from pydantic import ValidationError

from tests.fakes import FakeReply, FakeServices, graph_of, run_graph
from workflows.engine.engine import ExecutionEngine
from workflows.engine.errors import RunFailed
from workflows.engine.events import NodeFailed, NodeFinished
from workflows.engine.pausing import Decision, RunPaused
from workflows.nodes.approval import Config
from workflows.nodes.base import NodeConfig, NodeType, Outputs
from workflows.registry import NODE_TYPES

EDGES = ["start>ask", "ask.approved>yes", "ask.rejected>no", "yes>end", "no>end"]


def asked(services, edges=EDGES, **config):
    config = {"question": "Send '{{text}}'?", **config}
    nodes = {
        "start": {},
        "ask": {"type": "approval", "config": config},
        "yes": says("yes: {{text}} {{nodes.ask.by}} {{nodes.ask.answer}}"),
        "no": says("no: {{text}} {{nodes.ask.decision}} {{nodes.ask.comment}}"),
        "end": {},
    }
    return run_graph(nodes, edges, "hello", services)


def says(template):
    return {"type": "prompt", "config": {"template": template}}


def decided(*decision, **more):
    return FakeServices(decided={"ask": Decision(*decision, **more)})


def test_the_text_goes_on_by_the_port_of_the_decision_and_its_parts_have_names():
    ran = asked(decided("approved", answer={"to": ["bob"]}, by="ada"))
    assert ran.result.text == 'yes: hello ada {"to": ["bob"]}'
    ran = asked(decided("rejected", comment="too long"))
    assert ran.result.text == "no: hello rejected too long"


def test_what_is_asked_and_shown_is_rendered_and_without_a_text_it_is_what_arrived():
    services = decided("approved")
    asked(services, shows="It says {{text}}.", approvers=["ada"], deadline_s=60)
    asked(services)
    first, second = services.wanted
    assert (first.question, first.shown) == ("Send 'hello'?", "It says hello.")
    assert (first.approvers, first.deadline_s, first.visit) == (("ada",), 60, 1)
    assert (second.shown, second.approvers, second.deadline_s) == ("hello", (), None)


def test_who_decides_about_tools_is_shown_what_they_are_called_with():
    call = {"id": "1", "name": "calculator", "args": {"expression": "6 * 7"}}
    services = FakeServices(answers={"model": FakeReply("Let me see.", "tool_calls", (call,))})
    nodes = {
        "start": {},
        "model": {"config": {"tools": ["calculator"]}},
        "ask": {
            "type": "approval",
            "config": {"question": "{{ nodes.model.tool_calls[0].name }}?"},
        },
        "use": {"type": "tools"},
        "end": {},
    }
    edges = ["start>model", "model.tool_calls>ask", "ask.approved>use", "ask.rejected>model"]
    with pytest.raises(RunPaused):
        run_graph(nodes, [*edges, "use>model", "model>end"], services=services)
    assert services.wanted[0].question == "calculator?"
    assert services.wanted[0].shown == 'Let me see.\ncalculator {"expression": "6 * 7"}'


def test_without_a_decision_the_run_pauses_and_nothing_has_failed_or_finished():
    services = FakeServices()
    with pytest.raises(RunPaused):
        asked(services)
    assert [question.node for question in services.wanted] == ["ask"]


def test_what_runs_beside_a_node_that_waits_comes_to_its_end():
    services = FakeServices()
    nodes = {"start": {}, "ask": {"type": "approval", "config": {"question": "?"}}, "model": {}}
    with pytest.raises(RunPaused):
        run_graph(
            {**nodes, "end": {}},
            ["start>ask", "start>model", "ask.approved>end", "model>end"],
            services=services,
        )
    assert [question.node for question in services.asked] == ["model"]


def test_when_nobody_decides_in_time_the_node_fails_or_the_run_goes_on_as_rejected():
    with pytest.raises(RunFailed) as failed:
        asked(decided("expired"))
    assert (failed.value.node, failed.value.code) == ("ask", "approval_expired")
    ran = asked(decided("expired"), on_deadline="reject")
    assert ran.result.text == "no: hello expired "
    ran = asked(decided("expired"), [*EDGES, "ask.error>end"])
    assert ran.result.text == "Nobody decided in time."
    assert [e.code for e in ran.events if isinstance(e, NodeFailed)] == ["approval_expired"]
    assert not [e for e in ran.events if isinstance(e, NodeFinished) and e.node == "ask"]


class Within(NodeType[NodeConfig]):
    """Runs a graph that asks, within its own visit."""

    key: ClassVar[str] = "within"
    label: ClassVar[str] = "Within"
    config = NodeConfig

    async def run(self, config, inputs, visit):
        asks = {"type": "approval", "config": {"question": "?"}}
        inner = graph_of({"start": {}, "ask": asks, "end": {}}, ["start>ask", "ask.approved>end"])
        result = await ENGINE.execute(replace(visit.context, graph=inner))
        return Outputs(text=f"within: {result.text}")


class Types:
    def get(self, key):
        return Within() if key == "within" else NODE_TYPES.get(key)


ENGINE = ExecutionEngine(Types())


def test_a_graph_that_waits_within_a_node_pauses_the_one_around_it():
    nodes = {"start": {}, "within": {}, "model": {}, "end": {}}
    edges = ["start>within", "start>model", "within>end", "model>end"]
    services = FakeServices()
    with pytest.raises(RunPaused):
        run_graph(nodes, edges, "hi", services, ENGINE)
    assert [question.node for question in services.asked] == ["model"]
    ran = run_graph(nodes, edges, "hi", decided("approved"), ENGINE)
    assert ran.result.text == "within: hi\n\nanswer to hi"
    assert not [event for event in ran.events if isinstance(event, NodeFailed)]


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"question": ""},
        {"question": "?", "deadline_s": 0},
        {"question": "?", "on_deadline": "approve"},
        {"question": "?", "form": {"type": "rubbish"}},
        {"question": "?", "form": {"$ref": "http://elsewhere/"}},
        {"question": "?", "form": {"$dynamicRef": "#there"}},
        {"question": "?", "form": {"type": "string", "pattern": "("}},
        {"question": "?", "approvers": [""]},
    ],
)
def test_what_cannot_be_asked_is_refused(config):
    with pytest.raises(ValidationError):
        Config(**config)
