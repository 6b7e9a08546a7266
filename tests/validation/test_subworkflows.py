"""A workflow within a workflow exists, is one's own, and never leads to itself."""

from uuid import uuid4

import pytest

from tests.validation.drawing import FakeWorld, Types, drawn, line, told
from workflows.services.definitions import create_definition
from workflows.validation.bounds import Limits
from workflows.validation.validator import WorkflowValidator
from workflows.validation.world import WorldOf

PLACE = "nodes[1].config.definition"


def running(name):
    return line(sub=("subworkflow", {"definition": name}))


def checked(document, world, within=None):
    return told(WorkflowValidator(Types(), Limits()).validate(document, world=world, within=within))


def chain(length: int) -> FakeWorld:
    """w1 runs nothing, w2 runs w1, w3 runs w2 …"""
    graphs = {f"w{at}": running(f"w{at - 1}") for at in range(2, length + 1)}
    return FakeWorld(w1=line(), **graphs)


def test_a_workflow_may_run_another():
    assert checked(running("w1"), chain(1)) == []
    assert checked(running("w5"), chain(5)) == []


@pytest.mark.parametrize(
    ("document", "world", "within", "code"),
    [
        (running("gone"), FakeWorld(), None, "unknown_workflow"),
        (running("w6"), chain(6), None, "workflows_too_deep"),
        (running("w3000"), chain(3_000), None, "workflows_too_deep"),
        (running("me"), FakeWorld(me=line()), "me", "recursive_workflow"),
        (running("other"), FakeWorld(other=running("me"), me=line()), "me", "recursive_workflow"),
        (running("a"), FakeWorld(a=running("b"), b=running("a")), None, "recursive_workflow"),
    ],
)
def test_what_would_not_end_is_refused(document, world, within, code):
    assert checked(document, world, within) == [(code, PLACE)]


def test_what_a_parameter_makes_it_run_is_looked_at_like_what_it_names_itself():
    def choosing(which):
        given = {"which": which, "tone": "{{ text }}"}
        return line(sub=("subworkflow", {"definition": "by", "parameters": given}))

    runs = ("subworkflow", {"definition": "{{ params.which }}", "input": {"x": "{{ text }}"}})
    graphs = {f"w{at}": running(f"w{at - 1}") for at in range(2, 6)}
    world = FakeWorld(by=line(sub=runs), me=line(), w1=line(), **graphs)
    assert checked(choosing("w4"), world) == []
    assert checked(choosing("w5"), world) == [("workflows_too_deep", PLACE)]
    assert checked(choosing("me"), world, within="me") == [("recursive_workflow", PLACE)]
    assert checked(choosing("by"), world) == [("recursive_workflow", PLACE)]


def test_one_that_was_looked_at_further_down_is_still_too_deep_further_up():
    document = line(
        one=("subworkflow", {"definition": "w5"}), two=("subworkflow", {"definition": "top"})
    )
    graphs = {f"w{at}": running(f"w{at - 1}") for at in range(2, 6)}
    world = FakeWorld(w1=line(), top=running("w5"), **graphs)
    assert checked(document, world) == [("workflows_too_deep", "nodes[2].config.definition")]


def test_a_workflow_of_a_stranger_is_as_unknown_as_none(alice, charlie):
    definition = create_definition(owner=alice, name="Mine", graph=line())
    document = running(str(definition.pk))
    assert checked(document, WorldOf(alice)) == []
    assert checked(document, WorldOf(charlie)) == [("unknown_workflow", PLACE)]
    assert checked(running(str(uuid4())), WorldOf(alice)) == [("unknown_workflow", PLACE)]
    loud = str(definition.pk).upper()
    assert checked(running(loud), WorldOf(alice)) == [("unknown_workflow", PLACE)]
    assert checked(running("no id"), WorldOf(alice)) == [("unknown_workflow", PLACE)]


def test_a_hundred_workflows_in_one_another_are_looked_up_once_each():
    asked = []

    class Counting(FakeWorld):
        def workflow(self, name):
            asked.append(name)
            return super().workflow(name)

    both = {f"n{at}": ("subworkflow", {"definition": "w3"}) for at in range(50)}
    world = Counting(w1=line(), w2=running("w1"), w3=running("w2"))
    assert checked(line(**both), world) == []
    assert sorted(asked) == ["w1", "w2", "w3"]


def test_another_version_of_itself_is_itself(alice):
    definition = create_definition(owner=alice, name="Mine", graph=line())
    name = str(definition.pk)

    def at(number):
        return line(sub=("subworkflow", {"definition": name, "version": number}))

    assert checked(at(1), WorldOf(alice)) == []
    assert checked(at(2), WorldOf(alice)) == [("unknown_workflow", PLACE)]
    assert checked(at(1), WorldOf(alice), within=name) == [("recursive_workflow", PLACE)]


def test_a_parameter_that_the_workflow_needs_is_given():
    needs = line(ask=("prompt", {"template": "{{ params.tone }} {{ has(params.x) ? 1 : 2 }}"}))

    def giving(**parameters):
        return line(sub=("subworkflow", {"definition": "w", "parameters": parameters}))

    world = FakeWorld(w=needs)
    assert checked(giving(), world) == [("missing_parameter", "nodes[1].config.parameters")]
    assert checked(giving(tone="{{ text }}"), world) == []


def test_a_parameter_that_the_workflow_cannot_take_is_told_before_it_runs():
    """Where it is known before: what only the run knows is looked at when it is there."""
    world = FakeWorld(w=line(nap=("delay", {"seconds": "{{ params.n }}"})))

    def giving(**parameters):
        sub = ("subworkflow", {"definition": "w", "parameters": parameters})
        return WorkflowValidator(Types(), Limits()).validate(line(sub=sub), world=world)

    assert giving(n=5) == giving(n="{{ text }}") == giving(n="{{ params.m }}") == []
    [issue] = giving(n="soon")
    assert (issue.code, issue.path) == ("bad_parameters", "nodes[1].config.parameters")
    assert issue.message.startswith("The workflow cannot run with these: nap.seconds: Input should")


def test_what_a_workflow_is_to_leave_counts_as_a_variable_that_is_set():
    takes = ("subworkflow", {"definition": "w1", "output": {"total": "sum"}})
    reads = ("prompt", {"template": "{{ variables.total }}"})
    assert checked(line(sub=takes, said=reads), chain(1)) == []
    assert checked(line(said=reads, sub=takes), chain(1)) == [
        ("unknown_variable", "nodes[1].config.template")
    ]
    both = drawn(
        {"start": "start", "a": takes, "b": takes, "end": "end"},
        *("start>a", "start>b", "a>end", "b>end"),
    )
    assert checked(both, chain(1)) == [("parallel_write", "nodes[2].config.output.total")]


def test_what_a_workflow_may_take_is_counted_with_it_as_often_as_there_may_be_items():
    world = FakeWorld(nap=line(wait=("delay", {"seconds": 50})))
    sub = ("subworkflow", {"definition": "nap"})
    each = ("map", {"items": "input.items", "max_items": 100, "parallel": 5})
    assert checked(line(**{f"s{at}": sub for at in range(12)}), world) == []
    assert checked(line(**{f"s{at}": sub for at in range(13)}), world) == [("estimated_time", "")]
    mapped = drawn(
        {"start": "start", "each": each, "sub": sub, "end": "end"},
        *("start>each", "each.each>sub", "sub>each", "each.done>end"),
    )
    [issue] = WorkflowValidator(Types(), Limits()).validate(mapped, world=world)
    assert issue.message == "A run may take about 1,000 s."
