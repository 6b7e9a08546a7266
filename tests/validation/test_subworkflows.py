"""A workflow within a workflow exists, is one's own, and never leads to itself."""

from uuid import uuid4

import pytest

from tests.validation.drawing import FakeWorld, Types, line, told
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
