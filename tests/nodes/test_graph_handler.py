"""The handler of a whole graph: an error that nothing takes up ends there, not the run."""

import asyncio
from dataclasses import dataclass, field

import pytest

from core.limits import RunLimits
from llms.errors import ProviderError
from tests.fakes import FakeServices, run_graph
from tests.nodes.test_subworkflow import line, sets
from workflows.engine.errors import BeyondLimit, NodeError, RunFailed, RunStopped
from workflows.engine.events import NodeFailed, NodeFinished
from workflows.engine.pausing import APPROVED, Decision, RunPaused

BROKEN = ProviderError("provider_failed")
TOLD = "{{ nodes.handler.node }} {{ nodes.handler.code }}"


def handler(**config):
    return {"type": "error_handler", "config": {"scope": "graph", **config}}


def failing(behind=None, edges=("handler>last",), services=None, config=None, **more):
    """A model that fails after a prompt, and what is behind the handler."""
    services = services or FakeServices(answers={"ask": BROKEN})
    nodes = {
        "start": {},
        "first": {"type": "prompt", "config": {"template": "first"}},
        "count": sets("n", 1),
        "ask": {"type": "model"},
        "end": {},
        "handler": handler(**(config or {})),
        **(behind or {}),
        "last": {"type": "end"},
    }
    way = ["start>first", "first>count", "count>ask", "ask>end", *edges]
    return run_graph(nodes, way, services=services, **more)


def test_an_error_that_no_edge_takes_up_is_taken_up():
    run = failing(config={"text": "Sorry: " + TOLD})
    assert run.result.text == "Sorry: ask provider_failed"
    ended = [event.node for event in run.events if isinstance(event, NodeFinished | NodeFailed)]
    assert ended == ["start", "first", "count", "ask", "handler", "last"]


def test_a_node_is_tried_again_before_its_error_is_taken_up():
    answers = iter([BROKEN, BROKEN, "fine"])
    services = FakeServices(answers={"ask": lambda _: next(answers)})
    run = failing(services=services, config={"retries": 2, "wait_s": 3, "backoff": 2})
    assert run.result.text == "fine"
    assert [event.visit for event in run.events if isinstance(event, NodeFailed)] == [1, 2]
    assert services.slept == [3, 6]


def test_what_is_behind_it_is_not():
    services = FakeServices(answers={"ask": BROKEN, "sorry": BROKEN})
    behind = {"sorry": {"type": "model"}}
    with pytest.raises(RunFailed) as failed:
        failing(behind, ["handler>sorry", "sorry>last"], services, {"retries": 1, "wait_s": 0})
    assert failed.value.node == "sorry"
    assert [question.node for question in services.asked] == ["ask", "ask", "sorry"]


def test_without_a_text_the_error_goes_on():
    assert failing().result.text == str(BROKEN)


def test_what_does_not_fail_needs_no_handler():
    run = failing(services=FakeServices())
    assert run.result.text == "answer to first"
    assert "handler" not in {event.node for event in run.events}


def test_behind_it_what_was_done_before_the_error_is_known():
    """Also what the nodes in one line with the one that failed had done."""
    told = "{{ nodes.first.text }} {{ variables.n }} {{ has(nodes.ask) }} {{ nodes.handler.node }}"
    say = {"say": {"type": "prompt", "config": {"template": told}}}
    run = failing(say, ["handler>say", "say>last"])
    assert run.result.text == "first 1 false ask"
    assert run.result.variables == {"n": 1}


def test_an_error_that_an_edge_takes_up_never_gets_there():
    nodes = {
        "start": {},
        "ask": {"type": "model"},
        "own": {"type": "error_handler", "config": {"text": "own"}},
        "end": {},
        "handler": handler(text="graph"),
        "last": {"type": "end"},
    }
    edges = ["start>ask", "ask.error>own", "own>end", "ask>end", "handler>last"]
    services = FakeServices(answers={"ask": BROKEN})
    assert run_graph(nodes, edges, services=services).result.text == "own"


def test_the_other_branches_are_stopped_and_an_answer_given_before_is_none():
    ended = []

    class Slow(FakeServices):
        async def ask(self, question):
            if question.node == "slow":
                await asyncio.sleep(5)
                ended.append("slow")
            return await super().ask(question)

    nodes = {
        "start": {},
        "ask": {"type": "model"},
        "wait": {"type": "delay", "config": {"seconds": 0}},
        "slow": {"type": "model"},
        "end": {},
        "quick": {"type": "end"},
        "handler": handler(text="sorry"),
        "last": {"type": "end"},
    }
    edges = ["start>quick", "start>wait", "wait>ask", "wait>slow", "ask>end", "slow>end"]
    services = Slow(answers={"ask": BROKEN})
    run = run_graph(nodes, [*edges, "handler>last"], services=services)
    assert (run.result.text, ended) == ("sorry", [])
    assert "quick" in {event.node for event in run.events}


def test_it_may_fail_the_run_when_what_is_behind_it_is_done():
    behind = {"tell": {"type": "model"}}
    services = FakeServices(answers={"ask": BROKEN})
    with pytest.raises(RunFailed) as failed:
        failing(behind, ["handler>tell", "tell>last"], services, {"then": "fail"})
    assert (failed.value.node, failed.value.code) == ("ask", "provider_failed")
    assert [question.node for question in services.asked] == ["ask", "tell"]


def test_an_error_behind_it_fails_the_run():
    behind = {"tell": {"type": "model"}}
    services = FakeServices(answers={"ask": BROKEN, "tell": NodeError("worse", "worse")})
    with pytest.raises(RunFailed) as failed:
        failing(behind, ["handler>tell", "tell>last"], services)
    assert (failed.value.node, failed.value.code) == ("tell", "worse")


def test_behind_it_an_edge_may_take_up_an_error_too():
    behind = {"tell": {"type": "model"}, "own": {"type": "error_handler"}}
    services = FakeServices(answers={"ask": BROKEN, "tell": NodeError("worse", "worse")})
    edges = ["handler>tell", "tell>last", "tell.error>own", "own>last"]
    assert failing(behind, edges, services).result.text == "worse"


def test_behind_it_a_run_may_wait_for_a_decision():
    behind = {"may": {"type": "approval", "config": {"question": TOLD}}}
    edges = ["handler>may", "may.approved>last"]
    services = FakeServices(answers={"ask": BROKEN})
    with pytest.raises(RunPaused):
        failing(behind, edges, services)
    assert services.wanted[0].question == "ask provider_failed"
    services.decided = {"may": Decision(APPROVED)}
    assert failing(behind, edges, services).result.text == str(BROKEN)


@pytest.mark.parametrize("stop", [RunStopped("ask", "fork_not_reached", "no")])
def test_what_stops_a_run_is_not_taken_up(stop):
    with pytest.raises(RunStopped):
        failing(services=FakeServices(answers={"ask": stop}))


def test_a_limit_of_the_run_is_not_taken_up():
    with pytest.raises(BeyondLimit):
        failing(services=FakeServices(), limits=RunLimits(steps=3))


def test_steps_behind_it_count_for_the_run():
    with pytest.raises(BeyondLimit):
        failing(limits=RunLimits(steps=5))
    assert failing(limits=RunLimits(steps=6)).result.text == str(BROKEN)


def test_a_workflow_within_takes_up_its_own_errors():
    inner = line(ask={"type": "model"}).model_dump()
    inner["nodes"] += (
        {"id": "handler", **handler(text=TOLD)},
        {"id": "last", "type": "end"},
    )
    inner["edges"] += ({"source": "handler", "target": "last"},)
    services = FakeServices(answers={"sub/ask": BROKEN})
    services.workflows = {"w": type(line()).model_validate(inner)}
    nodes = {
        "start": {},
        "sub": {"type": "subworkflow", "config": {"definition": "w"}},
        "end": {},
        "handler": handler(text="outer"),
        "last": {"type": "end"},
    }
    run = run_graph(nodes, ["start>sub", "sub>end", "handler>last"], services=services)
    assert run.result.text == "ask provider_failed"


def test_the_error_of_an_item_comes_to_the_handler_by_its_map():
    nodes = {
        "start": {},
        "each": {"type": "map", "config": {"items": "[1, 2]"}},
        "ask": {"type": "model"},
        "end": {},
        "handler": handler(text=TOLD),
        "last": {"type": "end"},
    }
    edges = ["start>each", "each.each>ask", "ask>each", "each.done>end", "handler>last"]
    services = FakeServices(answers={"each[1]/ask": BROKEN})
    assert run_graph(nodes, edges, services=services).result.text == "each[1]/ask provider_failed"


def test_behind_it_a_map_may_work_on_items():
    behind = {"each": {"type": "map", "config": {"items": "[1, 2]"}}, "tell": {"type": "model"}}
    edges = ["handler>each", "each.each>tell", "tell>each", "each.done>last"]
    run = failing(behind, edges)
    assert run.result.text == "answer to 1\n\nanswer to 2"


@pytest.mark.parametrize("decided", [{}, {"may": Decision(APPROVED)}])
def test_an_error_beside_a_question_is_taken_up_whether_or_not_it_is_decided(decided):
    """So a run that is taken up again goes the same way."""

    class Later(FakeServices):
        async def ask(self, question):
            for _ in range(20):
                await asyncio.sleep(0)
            return await super().ask(question)

    nodes = {
        "start": {},
        "may": {"type": "approval", "config": {"question": "?"}},
        "ask": {"type": "model"},
        "end": {},
        "handler": handler(text="{{ has(nodes.may) }}"),
        "last": {"type": "end"},
    }
    edges = ["start>may", "start>ask", "may.approved>end", "ask>end", "handler>last"]
    services = Later(answers={"ask": BROKEN}, decided=decided)
    assert run_graph(nodes, edges, services=services).result.text == "false"


def test_of_branches_that_fail_at_once_it_takes_up_the_first():
    names = [f"n{at}" for at in range(8)]

    @dataclass
    class Together(FakeServices):
        """Fails when all have asked."""

        all_asked: asyncio.Event = field(default_factory=asyncio.Event)

        async def ask(self, question):
            self.asked.append(question)
            if len(self.asked) == len(names):
                self.all_asked.set()
            await self.all_asked.wait()
            raise BROKEN

    nodes = {
        "start": {"type": "start"},
        **{name: {"type": "model"} for name in names},
        "end": {"type": "end"},
        "h": {"type": "error_handler", "config": {"scope": "graph", "text": "{{ nodes.h.node }}"}},
        "sorry": {"type": "end"},
    }
    edges = [edge for name in names for edge in (f"start>{name}", f"{name}>end")] + ["h>sorry"]
    for _ in range(20):
        ran = run_graph(nodes, edges, services=Together())
        failed = [event.node for event in ran.events if event.type == "node.failed"]
        assert len(failed) > 1
        assert ran.result.text == failed[0]
