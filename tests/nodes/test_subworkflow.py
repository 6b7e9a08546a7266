"""The subworkflow node: what the other workflow is given, leaves, and does when it fails."""

import asyncio
from dataclasses import dataclass, field

import pytest

from llms.errors import ProviderError
from llms.messages import ChatMessage
from tests.fakes import FakeReply, FakeServices, graph_of, run_graph
from workflows.engine.context import History
from workflows.engine.engine import ExecutionEngine
from workflows.engine.errors import NodeError, RunFailed
from workflows.engine.events import NodeFailed, NodeStarted
from workflows.registry import NODE_TYPES

ROUND_IT = ["start>sub", "sub>end"]


def sets(name, value=None, **config):
    return {"type": "variable", "config": {"name": name, "value": value, **config}}


def sub(name="w", **config):
    return {"type": "subworkflow", "config": {"definition": name, **config}}


def line(**nodes):
    """A workflow that goes from its start through these nodes to its end."""
    every = {"start": {}, **nodes, "end": nodes.pop("end", {})}
    ids = list(every)
    return graph_of(every, [f"{a}>{b}" for a, b in zip(ids, ids[1:], strict=False)])


def ran(node, *, message="hello", services=None, **workflows):
    services = services or FakeServices()
    services.workflows = workflows
    return run_graph({"start": {}, "sub": node, "end": {}}, ROUND_IT, message, services)


def started(run):
    return [event.node for event in run.events if isinstance(event, NodeStarted)]


def test_the_answer_of_the_other_workflow_goes_on():
    run = ran(sub(), w=line(ask={"type": "model"}))
    assert run.result.text == "answer to hello"
    assert [(q.node, q.visit, q.call) for q in run.services.asked] == [("sub/ask", 1, 1)]
    assert started(run) == ["start", "sub", "sub/start", "sub/ask", "sub/end", "end"]


def test_it_is_given_its_input_and_its_parameters():
    config = {
        "input": {"message": "{{ text + '!' }}", "tags": ["{{ input.message }}", 7]},
        "parameters": {"tone": "{{ 'very ' + text }}"},
    }
    end = {"config": {"output": "{{ input.message }} {{ input.tags }} {{ params.tone }}"}}
    assert ran(sub(**config), w=line(end=end)).result.text == 'hello! ["hello", 7] very hello'


def test_without_a_message_it_gets_the_text_that_arrives():
    end = {"config": {"output": "{{ input.message }}, {{ input.to }}"}}
    assert ran(sub(input={"to": "you"}), w=line(end=end)).result.text == "hello, you"


def test_variables_are_its_own_and_some_are_taken_over():
    inner = line(a=sets("total", 5), b=sets("x", "theirs"))
    services = FakeServices(workflows={"w": inner})
    nodes = {
        "start": {},
        "mine": sets("x", "mine"),
        "sub": sub(output={"sum": "total"}),
        "end": {"config": {"output": "{{ nodes.sub.variables.x }}"}},
    }
    run = run_graph(nodes, ["start>mine", "mine>sub", "sub>end"], services=services)
    assert run.result.variables == {"x": "mine", "sum": 5}
    assert run.result.text == "theirs"


def test_a_variable_that_it_did_not_leave_is_an_error():
    with pytest.raises(RunFailed) as failed:
        ran(sub(output={"sum": "total"}), w=line())
    assert (failed.value.node, failed.value.code) == ("sub", "no_such_output")


def test_an_error_within_is_told_with_the_way_to_its_node():
    services = FakeServices(answers={"sub/deeper/ask": NodeError("too_hot", "Too hot.")})
    with pytest.raises(RunFailed) as failed:
        ran(sub("v"), services=services, v=line(deeper=sub("w")), w=line(ask={"type": "model"}))
    assert (failed.value.node, failed.value.code) == ("sub/deeper/ask", "too_hot")


def test_an_error_within_can_be_taken_up_outside_and_the_whole_tried_again():
    answers = iter([NodeError("too_hot", "Too hot."), "now it goes"])
    services = FakeServices(
        answers={"sub/ask": lambda _: next(answers), "sub#2/ask": lambda _: next(answers)},
        workflows={"w": line(ask={"type": "model"})},
    )
    handler = {"type": "error_handler", "config": {"retries": 1, "wait_s": 0}}
    run = run_graph(
        {"start": {}, "sub": sub(), "sorry": handler, "end": {}},
        ["start>sub", "sub>end", "sub.error>sorry", "sorry>end"],
        services=services,
    )
    assert run.result.text == "now it goes"
    assert [q.node for q in run.services.asked] == ["sub/ask", "sub#2/ask"]
    failed = [(e.node, e.visit) for e in run.events if isinstance(e, NodeFailed)]
    assert failed == [("sub/ask", 1), ("sub", 1)]


def test_each_round_of_a_loop_has_names_of_its_own():
    nodes = {
        "start": {},
        "loop": {"type": "loop", "config": {"max_iterations": 3}},
        "sub": sub(),
        "end": {},
    }
    services = FakeServices(workflows={"w": line(ask={"type": "model"})})
    edges = ["start>loop", "loop.continue>sub", "sub>loop", "loop.done>end"]
    run = run_graph(nodes, edges, services=services)
    assert [q.node for q in run.services.asked] == ["sub/ask", "sub#2/ask", "sub#3/ask"]
    assert run.result.text.startswith("answer to answer to answer to")


def test_what_runs_within_waits_and_calls_tools_under_its_own_name():
    asks = {"id": "1", "name": "clock", "args": {}}
    answers = iter([FakeReply("", tool_calls=(asks,)), FakeReply("noon")])
    services = FakeServices(answers={"sub/ask": lambda _: next(answers)})
    services.workflows["w"] = graph_of(
        {
            "start": {},
            "nap": {"type": "delay", "config": {"seconds": 3}},
            "ask": {"type": "model", "config": {"tools": ["clock"]}},
            "tools": {},
            "end": {},
        },
        ["start>nap", "nap>ask", "ask.tool_calls>tools", "tools>ask", "ask>end"],
    )
    run = run_graph({"start": {}, "sub": sub(), "end": {}}, ROUND_IT, services=services)
    assert run.result.text == "noon"
    assert [(one.node, one.tool) for one in services.called] == [("sub/tools", "clock")]
    assert services.slept == [3]


def test_it_knows_nothing_of_the_conversation():
    services = FakeServices(said=History([ChatMessage("user", "earlier")], turns=[1]))
    run = ran(sub(), services=services, w=line(remember={"type": "memory"}, ask={"type": "model"}))
    assert [message.text for message in run.services.asked[0].messages] == ["hello"]


def test_workflows_run_in_one_another_only_so_deep():
    with pytest.raises(RunFailed) as failed:
        ran(sub("w"), w=line(again=sub("w")))
    assert failed.value.code == "workflows_too_deep"
    assert failed.value.node == "sub/again/again/again/again/again"


def test_names_that_grow_too_long_are_an_error_of_the_node():
    name = "n" * 64
    deep = {f"w{at}": line(**{name: sub(f"w{at + 1}")}) for at in range(4)}
    with pytest.raises(RunFailed) as failed:
        ran(sub("w0"), **deep, w4=line(**{name: sets("x", 1)}))
    assert failed.value.code == "path_too_long"


def test_a_random_delay_within_differs_from_item_to_item_and_not_from_run_to_run():
    pause = {"type": "delay", "config": {"kind": "random", "seconds": 0, "max_seconds": 60}}
    services = FakeServices(workflows={"w": line(nap=pause)})
    nodes = {"start": {}, "one": sub(), "two": sub(), "end": {}}
    run_graph(nodes, ["start>one", "one>two", "two>end"], services=services)
    first, second = services.slept
    assert first != second


@dataclass
class Closing(FakeServices):
    """Within, calls take a while to be closed; beside them one fails when they have begun."""

    begun: asyncio.Barrier = field(default_factory=lambda: asyncio.Barrier(3))
    closed: list[str] = field(default_factory=list)

    async def ask(self, question):
        await self.begun.wait()
        if question.node == "bad":
            raise ProviderError("provider_refused")
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)
            self.closed.append(question.node)


def test_what_is_under_way_within_is_closed_before_the_run_ends_by_an_error_beside_it():
    at_the_end: list[str] = []

    class Engine(ExecutionEngine):
        async def execute(self, context):
            try:
                return await super().execute(context)
            finally:
                at_the_end[:] = services.closed

    inner = {"start": {}, "one": {"type": "model"}, "two": {"type": "model"}, "end": {}}
    ways = ["start>one", "start>two", "one>end", "two>end"]
    services = Closing(workflows={"w": graph_of(inner, ways)})
    nodes = {"start": {}, "sub": sub(), "bad": {"type": "model"}, "end": {}}
    edges = ["start>sub", "start>bad", "sub>end", "bad>end"]
    with pytest.raises(RunFailed):
        run_graph(nodes, edges, services=services, engine=Engine(NODE_TYPES))
    assert sorted(at_the_end) == ["sub/one", "sub/two"]
