"""What a conversation remembers is of what was said, and of what is still there."""

from collections.abc import Callable
from typing import Any

import pytest

from conversations.models import Conversation
from tests.definitions.graphs import asks, graph
from tests.drills.models import GPT
from tests.drills.mortal import take_up
from tests.wire import WireServer
from workflows.models import WorkflowExecution
from workflows.services.definitions import create_definition

FRUITS = ("apple", "banana", "cherry", "damson", "elder")
Posted = Callable[..., WorkflowExecution]


@pytest.fixture
def turns(posted: Posted, alice: Any, wire: WireServer) -> list[WorkflowExecution]:
    """One of each fruit; all but the last before each is summed up, in its own words."""
    memory = {"id": "memory", "type": "memory", "config": {"window": 2, "model": GPT}}
    definition = create_definition(owner=alice, name="Fruit", graph=graph(memory, asks(model=GPT)))
    for at, fruit in enumerate(FRUITS, 1):
        wire.script(f"[[say=so far {', '.join(FRUITS[:at])}]]", match=f"user: I like {fruit}")
    made: list[WorkflowExecution] = []
    for fruit in FRUITS:
        talk = {"conversation": conversation_of(made[0])} if made else {}
        body = {"message": f"I like {fruit}", "definition": str(definition.pk), **talk}
        made.append(posted("/api/v1/chat/", body))
        take_up()
    wire.meter.clear()
    return made


def conversation_of(turn: WorkflowExecution) -> str:
    return turn.serial_key.removeprefix("conversation:")


def kept() -> tuple[str, int]:
    row = Conversation.objects.get()
    return row.summary, row.summary_through


def told(wire: WireServer) -> list[str]:
    """What was said before the last question, as the model was told it."""
    return [text.removesuffix(".") for text in wire.meter.settled()[-1].said[:-1]]


def before(number: int) -> list[str]:
    """What a turn is told: a summary of all but the last before it, and that."""
    summary = f"system: The conversation so far: so far {', '.join(FRUITS[: number - 2])}"
    said = WorkflowExecution.objects.get(serial_number=number - 1).output["text"]
    return [summary, f"user: I like {FRUITS[number - 2]}", f"assistant: {said}".removesuffix(".")]


def test_a_turn_that_is_answered_again_is_told_what_was_before_it_alone(turns, posted, wire):
    assert kept() == ("so far apple, banana, cherry", 3)
    posted(f"/api/v1/executions/{turns[2].pk}/retry/")
    take_up()
    assert told(wire) == before(3)
    assert kept() == ("so far apple", 1), "of the third another answer stands there now"
    body = {"message": "I like fig", "conversation": conversation_of(turns[0])}
    posted("/api/v1/chat/", {**body, "definition": str(turns[0].definition_id)})
    take_up()
    assert kept()[1] == 4


def test_without_a_memory_of_its_own_it_ends_a_summary_that_is_no_longer_so(turns, posted):
    Conversation.objects.update(summary="so far all", summary_through=5)
    posted(f"/api/v1/executions/{turns[0].pk}/retry/")
    take_up()
    assert kept() == ("", 0)


def test_a_message_that_is_deleted_is_not_summed_up_any_more(turns, client, posted, wire):
    address = f"/api/v1/conversations/{conversation_of(turns[0])}/messages/"
    said = client.get(address).json()["results"]
    (third,) = (one for one in said if one["text"] == "I like cherry")
    assert client.delete(f"{address}{third['id']}/").status_code == 204
    assert kept() == ("so far apple", 1)
    (last,) = (one for one in said if one["text"] == "I like elder")
    assert client.delete(f"{address}{last['id']}/").status_code == 204
    assert kept() == ("so far apple", 1), "it was in no summary"
