"""What a conversation remembers is of what was said, and of what is still there."""

from collections.abc import Callable
from typing import Any

import pytest

from conversations.models import Conversation
from llms.models import ModelProfile
from llms.services.profiles import forget_profiles
from tests.definitions.graphs import asks, graph
from tests.drills.models import GPT, GPT_TOO
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


def say(posted: Posted, turns: list[WorkflowExecution], text: str) -> None:
    """Another turn of the same conversation."""
    body = {"message": text, "conversation": conversation_of(turns[0])}
    posted("/api/v1/chat/", {**body, "definition": str(turns[0].definition_id)})
    take_up()


def delete(client: Any, turns: list[WorkflowExecution], text: str) -> None:
    """Delete what somebody said."""
    address = f"/api/v1/conversations/{conversation_of(turns[0])}/messages/"
    said = client.get(address).json()["results"]
    (message,) = (one for one in said if one["text"] == text)
    assert client.delete(f"{address}{message['id']}/").status_code == 204


def summed_up_as(wire: WireServer, words: str) -> None:
    """From now on every summary reads like this, and nothing is known of what was asked before."""
    wire.clear()
    wire.script(f"[[say={words}]]", match="user: I like")


def test_a_turn_that_is_answered_again_is_told_what_was_before_it_alone(turns, posted, wire):
    assert kept() == ("so far apple, banana, cherry", 3)
    posted(f"/api/v1/executions/{turns[2].pk}/retry/")
    take_up()
    assert told(wire) == before(3)
    assert kept() == ("so far apple", 1), "of the third another answer stands there now"
    say(posted, turns, "I like fig")
    assert kept()[1] == 4


def test_without_a_memory_of_its_own_it_ends_a_summary_that_is_no_longer_so(turns, posted):
    Conversation.objects.update(summary="so far all", summary_through=5)
    posted(f"/api/v1/executions/{turns[0].pk}/retry/")
    take_up()
    assert kept() == ("", 0)


def test_a_message_that_is_deleted_is_not_summed_up_any_more(turns, client):
    delete(client, turns, "I like cherry")
    assert kept() == ("so far apple", 1)
    delete(client, turns, "I like elder")
    assert kept() == ("so far apple", 1), "it was in no summary"


def test_a_message_that_is_deleted_comes_back_with_no_earlier_summary(turns, client, posted, wire):
    delete(client, turns, "I like banana")
    summed_up_as(wire, "fruits")
    for fruit in ("fig", "grape"):
        say(posted, turns, f"I like {fruit}")
    assert kept() == ("fruits", 5)
    delete(client, turns, "I like damson")
    assert kept() == ("so far apple", 1)
    say(posted, turns, "I like hazelnut")
    posted(f"/api/v1/executions/{turns[4].pk}/retry/")
    take_up()
    assert not [one.said for one in wire.meter.settled() if "banana" in " ".join(one.said)]


def test_no_later_turn_is_told_how_one_was_answered_before_it_was_answered_again(
    turns, posted, wire
):
    wire.script("[[say=I prefer plums]]", match="I like banana")
    posted(f"/api/v1/executions/{turns[1].pk}/retry/")
    take_up()
    summed_up_as(wire, "fruits")
    for fruit in ("fig", "grape"):
        say(posted, turns, f"I like {fruit}")
    posted(f"/api/v1/executions/{turns[4].pk}/retry/")
    take_up()
    assert told(wire)[0] == "system: The conversation so far: fruits"


def test_a_model_that_reads_little_goes_on_with_a_long_conversation(posted, again, wire):
    talk: dict[str, Any] = {}

    def answered(text: str, model: str, window: int) -> WorkflowExecution:
        body = {"message": text, "model": model, "parameters": {"memory_window": window}, **talk}
        turn = posted("/api/v1/chat/", body)
        take_up()
        turn.refresh_from_db()
        talk["conversation"] = conversation_of(turn)
        return turn

    for number in range(8):
        answered(f"Letter {number}: {'word ' * 400}", GPT, 40)
    ModelProfile.objects.filter(model=GPT_TOO.removeprefix("wire:")).update(context_window=2_000)
    forget_profiles()
    for through in (1, 2):
        turn = answered("And now?", GPT_TOO, 2)
        assert (turn.status, kept()[1]) == ("completed", through)
    assert "user: Letter 7" in " ".join(told(wire)), "what is in no summary yet is seen"
    replayed = again(turn, "replay")
    assert (replayed.status, replayed.output) == ("completed", turn.output)


def test_a_conversation_that_a_provider_finds_too_long_goes_on_with_less_of_it(
    turns, posted, again, wire
):
    wire.script("[[fault=context]]", match="I like fig", next=1)
    body = {"message": "I like fig", "conversation": conversation_of(turns[0])}
    turn = posted(
        "/api/v1/chat/", {**body, "template": "universal_chat", "parameters": {"model": GPT}}
    )
    take_up()
    turn.refresh_from_db()
    assert turn.status == "completed", turn.error
    assert [text[:12] for text in told(wire)].count("user: I like") == 2
    replayed = again(turn, "replay")
    assert (replayed.status, replayed.output) == ("completed", turn.output)


@pytest.mark.parametrize("deleted", ["", "I like banana"])
def test_a_turn_that_is_tried_again_is_told_no_summary_of_what_was_deleted_since(
    turns, client, posted, wire, deleted
):
    wire.script("[[fault=400]]", match="I like fig")
    say(posted, turns, "I like fig")
    failed = WorkflowExecution.objects.get(serial_number=6)
    wire.clear()
    wire.meter.clear()
    if deleted:
        delete(client, turns, deleted)
    posted(f"/api/v1/executions/{failed.pk}/retry/")
    take_up()
    asked = [" ".join(one.said) for one in wire.meter.settled()]
    assert [text for text in asked if "banana" in text] == ([] if deleted else asked)
    assert len(asked) == (2 if deleted else 1), "what was summed up is paid for once"
    assert ("banana" in kept()[0]) is (not deleted)
