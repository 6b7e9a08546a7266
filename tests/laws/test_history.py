"""Law: what a turn is told of its conversation is the end of it, as long as is wanted."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from conversations import history
from conversations.models import Conversation, Message, MessageStatus, Role
from tests.factories.accounts import UserFactory
from workflows.models import WorkflowExecution

pytestmark = pytest.mark.django_db

replies = st.lists(
    st.tuples(st.sampled_from(MessageStatus.values), st.sampled_from(["", " ", "said"])),
    max_size=3,
)
turns = st.lists(replies, max_size=14)


def talk(replies_by_turn, **fields):
    """A conversation, and the execution of the turn that follows."""
    made = Conversation.objects.create(owner=UserFactory(), **fields)
    for turn, replies in enumerate(replies_by_turn, 1):
        row = {"conversation": made, "turn": turn}
        Message.objects.create(role=Role.USER, text=f"q{turn}", **row)
        for at, (status, text) in enumerate(replies):
            said = text and f"{text} {at}"
            Message.objects.create(role=Role.ASSISTANT, status=status, text=said, **row)
    after = WorkflowExecution(serial_key=made.serial_key, serial_number=len(replies_by_turn) + 1)
    return made, after


def all_of(replies_by_turn):
    """Every turn with a reply, as `(number, question, reply)`."""
    for turn, replies in enumerate(replies_by_turn, 1):
        ended = [(status, text and f"{text} {at}") for at, (status, text) in enumerate(replies)]
        complete, cancelled = (
            [text for status, text in ended if status == wanted]
            for wanted in ("complete", "cancelled")
        )
        if (seen := complete or cancelled) and seen[-1].strip():
            yield turn, f"q{turn}", seen[-1]


@given(turns, st.integers(0, 12), st.integers(0, 14), st.booleans(), st.integers(1, 3))
def test_a_turn_is_told_the_end_of_its_conversation(said, most, through, unsummed, at_once):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "_AT_ONCE", at_once)
        _, after = talk(said, summary="before", summary_through=min(through, len(said)))
        told = history.history_of(after, most, unsummed=unsummed)
    found = list(zip(told.turns[::2], told.messages[::2], told.messages[1::2], strict=True))
    found = [(turn, question.text, reply.text) for turn, question, reply in found]
    whole = list(all_of(said))
    assert found == whole[len(whole) - len(found) :]
    assert len(told.messages) >= min(most, 2 * len(whole))
    beyond = [turn for turn, *_ in whole[: len(whole) - len(found)]]
    assert not unsummed or not [turn for turn in beyond if turn > told.through]
    needed = max(-(-most // 2), sum(turn > told.through for turn, *_ in whole) if unsummed else 0)
    assert len(found) <= needed


def test_of_a_long_conversation_only_the_end_is_read():
    made, after = talk([])
    rows = ((turn, role) for turn in range(1, 2_001) for role in Role.values)
    Message.objects.bulk_create(
        Message(conversation=made, turn=turn, role=role, text="said") for turn, role in rows
    )
    Conversation.objects.update(summary="before", summary_through=1_980)
    after.serial_number = 2_001
    with CaptureQueriesContext(
        connection,
    ) as queries:
        told = history.history_of(after, 20, unsummed=True)
    assert (len(told.messages), told.turns[0]) == (40, 1_981)
    assert len(queries) == 2
