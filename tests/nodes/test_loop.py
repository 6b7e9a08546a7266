"""The loop node: rounds, and what runs in them and after them."""

import pytest

from core.limits import RunLimits
from tests.fakes import run_graph
from workflows.engine.errors import BeyondLimit, RunFailed
from workflows.engine.events import NodeStarted


def count(name="n", by="1"):
    return {
        "type": "variable",
        "config": {"operation": "increment", "name": name, "expression": by},
    }


def note(name, expression):
    return {
        "type": "variable",
        "config": {"operation": "append", "name": name, "expression": expression},
    }


def loop(**config):
    return {"type": "loop", "config": config}


def started(ran):
    return [event.node for event in ran.events if isinstance(event, NodeStarted)]


ONE = ["start>loop", "loop.continue>work", "work>loop", "loop.done>end"]


@pytest.mark.parametrize("rounds", [1, 2, 7])
def test_it_repeats_as_often_as_it_may(rounds):
    ran = run_graph(
        {"start": {}, "loop": loop(max_iterations=rounds), "work": count(), "end": {}}, ONE
    )
    assert ran.result.variables == {"n": rounds}
    assert started(ran) == ["start", *["loop", "work"] * rounds, "loop", "end"]


def test_it_repeats_while_its_condition_is_true():
    config = {"condition": "nodes.loop.iteration < 3", "max_iterations": 10}
    nodes = {
        "start": {},
        "loop": loop(**config),
        "work": note("seen", "nodes.loop.iteration"),
        "end": {},
    }
    assert run_graph(nodes, ONE).result.variables == {"seen": [1, 2, 3]}


def test_a_condition_that_is_false_at_once_begins_no_round():
    nodes = {"start": {}, "loop": loop(condition="text == 'bye'"), "work": count(), "end": {}}
    ran = run_graph(nodes, ONE, "hello")
    assert (ran.result.variables, ran.result.text) == ({}, "hello")


def test_a_condition_that_cannot_be_told_ends_the_run_with_the_loop_named():
    nodes = {"start": {}, "loop": loop(condition="variables.nothing"), "work": count(), "end": {}}
    with pytest.raises(RunFailed) as failed:
        run_graph(nodes, ONE)
    assert (failed.value.node, failed.value.code) == ("loop", "bad_expression")


def test_what_a_round_leaves_is_what_the_next_one_gets():
    nodes = {"start": {}, "loop": loop(max_iterations=3), "model": {}, "end": {}}
    edges = ["start>loop", "loop.continue>model", "model>loop", "loop.done>end"]
    assert run_graph(nodes, edges, "hi").result.text == "answer to answer to answer to hi"


def test_branches_of_a_round_join_before_the_next_one():
    nodes = {
        "start": {}, "loop": loop(max_iterations=3), "a": count("a"), "b": count("b"),
        "both": note("seen", "variables.a + variables.b"), "end": {},
    }  # fmt: skip
    edges = ["start>loop", "loop.continue>a", "loop.continue>b", "a>both", "b>both", "both>loop"]
    ran = run_graph(nodes, [*edges, "loop.done>end"])
    assert ran.result.variables == {"a": 3, "b": 3, "seen": [2, 4, 6]}


def test_a_branch_that_a_round_does_not_take_does_not_hold_it_up():
    nodes = {
        "start": {}, "loop": loop(max_iterations=4), "end": {},
        "odd": {"type": "conditional", "config": {"condition": "nodes.loop.iteration % 2 == 1"}},
        "a": count("a"), "b": count("b"),
    }  # fmt: skip
    edges = ["start>loop", "loop.continue>odd", "odd.true>a", "odd.false>b", "a>loop", "b>loop"]
    ran = run_graph(nodes, [*edges, "loop.done>end"])
    assert ran.result.variables == {"a": 2, "b": 2}
    assert [event.visit for event in ran.events if getattr(event, "node", "") == "a"] == [
        1,
        1,
        2,
        2,
    ]


def test_loops_may_stand_in_loops():
    nodes = {
        "start": {}, "outer": loop(max_iterations=3), "inner": loop(max_iterations=2),
        "work": note("seen", "[nodes.outer.iteration, nodes.inner.iteration]"), "end": {},
    }  # fmt: skip
    edges = ["start>outer", "outer.continue>inner", "inner.continue>work", "work>inner"]
    ran = run_graph(nodes, [*edges, "inner.done>outer", "outer.done>end"])
    assert ran.result.variables["seen"] == [[1, 1], [1, 2], [2, 1], [2, 2], [3, 1], [3, 2]]


def test_what_follows_a_loop_waits_for_the_branches_beside_it():
    nodes = {
        "start": {}, "loop": loop(max_iterations=3), "work": count(),
        "slow": note("seen", "'slow'"),
        "end": {"config": {"output": "{{variables.n}} {{variables.seen}}"}},
    }  # fmt: skip
    edges = ["start>loop", "start>slow", "loop.continue>work", "work>loop", "loop.done>end"]
    ran = run_graph(nodes, [*edges, "slow>end"])
    assert ran.result.text.startswith("3 ")
    assert started(ran).count("end") == 1


def test_a_loop_on_a_branch_that_is_not_taken_is_passed_over():
    nodes = {
        "start": {}, "no": {"type": "conditional", "config": {"condition": "false"}},
        "loop": loop(max_iterations=3), "work": count(), "end": {},
    }  # fmt: skip
    edges = ["start>no", "no.true>loop", "loop.continue>work", "work>loop", "loop.done>end"]
    ran = run_graph(nodes, [*edges, "no.false>end"], "hello")
    assert (ran.result.text, ran.result.variables) == ("hello", {})


def test_a_loop_that_nothing_follows_ends_the_run():
    nodes = {"start": {}, "loop": loop(max_iterations=2), "work": count(), "end": {}}
    edges = ["start>loop", "start>end", "loop.continue>work", "work>loop"]
    assert run_graph(nodes, edges).result.variables == {"n": 2}


def test_a_run_of_too_many_steps_fails():
    nodes = {"start": {}, "loop": loop(max_iterations=1000), "work": count(), "end": {}}
    with pytest.raises(BeyondLimit) as failed:
        run_graph(nodes, ONE, limits=RunLimits(steps=1000))
    assert failed.value.code == "limit_steps"


def test_what_a_round_leaves_is_joined_in_the_order_of_the_definition():
    """Else a run that another process takes up would go on with another text."""
    branches = [f"branch{at}" for at in range(8)]
    nodes = {name: {"type": "prompt", "config": {"template": name}} for name in branches}
    edges = ["start>loop", "loop.done>end"]
    for name in branches:
        edges += [f"loop.continue>{name}", f"{name}>loop"]
    ran = run_graph({"start": {}, "loop": loop(max_iterations=1), **nodes, "end": {}}, edges)
    assert ran.result.text.split() == branches
