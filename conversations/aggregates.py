"""The numbers kept on a conversation: sums of its messages."""

from collections.abc import Iterator
from typing import Any

from django.db.models import F, Q

from conversations.models import Message, Role
from conversations.signals import messages_recorded
from core.aggregates import Aggregate, Difference, declare, proof
from workflows.totals import COUNTED

of_conversations = declare(
    Aggregate(into="message_count"),
    *(Aggregate(into=name, of=name) for name in COUNTED),
    model="conversations.Message",
    parent_model="conversations.Conversation",
    parent="conversation_id",
)


@proof
def message_differences() -> Iterator[Difference]:
    """A reply carries the totals of its execution, written once when that ended."""
    replies = Message.objects.filter(role=Role.ASSISTANT, execution__isnull=False)
    equal = Q(**{name: F(f"execution__{name}") for name in COUNTED})
    columns = [*COUNTED, *(f"execution__{name}" for name in COUNTED)]
    for row in replies.exclude(equal).values("pk", *columns):
        for name in COUNTED:
            if row[name] != row[f"execution__{name}"]:
                number = f"conversations.Message.{name}"
                yield Difference(number, row["pk"], row[name], row[f"execution__{name}"])


def on_messages_recorded(messages: list[dict[str, Any]], **_: Any) -> None:
    of_conversations.add_group(messages)


def connect() -> None:
    of_conversations.connect()
    messages_recorded.connect(
        on_messages_recorded, dispatch_uid="conversations.conversation_totals"
    )
