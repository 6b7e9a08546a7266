"""The conversation before a turn, as a model is to see it."""

from uuid import UUID

from conversations.models import Conversation, Message, MessageStatus, Role
from llms.messages import ChatMessage
from workflows.engine.context import History
from workflows.models import WorkflowExecution


def history_of(execution: WorkflowExecution) -> History:
    """The turns before the one this execution answers, oldest first.

    Of each turn the question and its last complete reply; a turn without one (failed, cancelled,
    or a reply of no text, which providers refuse) is left out whole, so that roles alternate.
    """
    conversation_id = UUID(execution.serial_key.removeprefix("conversation:"))
    conversation = Conversation.objects.filter(pk=conversation_id).first()
    if conversation is None:
        return History()
    rows = (
        Message.objects.filter(conversation=conversation, turn__lt=execution.serial_number)
        .filter(status=MessageStatus.COMPLETE)
        .in_order()
        .values_list("turn", "role", "text")
    )
    turns: dict[int, dict[str, str]] = {}
    for turn, role, text in rows:
        turns.setdefault(turn, {})[role] = text
    messages, numbers = [], []
    for turn, said in turns.items():
        if said.get(Role.USER, "").strip() and said.get(Role.ASSISTANT, "").strip():
            messages += [
                ChatMessage("user", said["user"]),
                ChatMessage("assistant", said["assistant"]),
            ]
            numbers += [turn, turn]
    return History(messages, numbers, conversation.summary, conversation.summary_through)
