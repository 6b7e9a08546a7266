"""The conversation before a turn, as a model is to see it."""

from collections.abc import Iterable
from uuid import UUID

from conversations.models import Conversation, Message, MessageStatus, Role
from llms.messages import ChatMessage
from workflows.engine.context import History
from workflows.models import WorkflowExecution


def history_of(execution: WorkflowExecution) -> History:
    """The turns before the one this execution answers, oldest first.

    Of each turn the question and its last complete reply; a turn without one (failed, cancelled,
    or a reply of no text, which providers refuse) is left out whole, so that roles alternate.
    A run that repeats a turn outside its conversation sees what that turn saw, as far as it is
    still there.
    """
    turn = _turn_of(execution)
    if turn is None or turn.serial_number <= 1:
        return History()
    conversation = Conversation.objects.filter(pk=_conversation_id(turn)).first()
    if conversation is None:
        return History()
    said = Message.objects.filter(conversation=conversation, turn__lt=turn.serial_number)
    summary, through = conversation.summary, conversation.summary_through
    if turn is not execution:
        said = said.filter(created_at__lte=turn.started_at or turn.created_at)
        summary, through = _summary_before(turn)
    rows = said.filter(status=MessageStatus.COMPLETE).in_order()
    return _history(rows.values_list("turn", "role", "text"), summary, through)


def _turn_of(execution: WorkflowExecution) -> WorkflowExecution | None:
    """The execution itself, or the turn that it repeats, at however many removes."""
    found: WorkflowExecution | None = execution
    while found is not None and not found.serial_key:
        found = found.source if found.source_id else None
    return found if found and found.serial_key.startswith("conversation:") else None


def _conversation_id(turn: WorkflowExecution) -> UUID:
    return UUID(turn.serial_key.removeprefix("conversation:"))


def _summary_before(turn: WorkflowExecution) -> tuple[str, int]:
    """The summary that this turn began with: what the last run before it had left."""
    earlier = WorkflowExecution.objects.filter(
        serial_key=turn.serial_key,
        finished_at__lte=turn.started_at or turn.created_at,
        output__memory__isnull=False,
    )
    left = earlier.order_by("-finished_at").values_list("output", flat=True).first()
    memory = (left or {}).get("memory") or {"summary": "", "through": 0}
    return memory["summary"], memory["through"]


def _history(rows: Iterable[tuple[int, str, str]], summary: str, through: int) -> History:
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
    return History(messages, numbers, summary, through)
