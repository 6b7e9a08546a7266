"""The conversation before a turn, as a model is to see it."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from conversations.models import Conversation, Message, MessageStatus, Role
from conversations.querysets import MessageQuerySet
from llms.messages import ChatMessage
from workflows.engine.context import History
from workflows.models import WorkflowExecution

_AT_ONCE = 50


def history_of(execution: WorkflowExecution, most: int, *, unsummed: bool) -> History:
    """The end of what was said before the turn this execution answers, oldest first.

    At least the last `most` messages; with `unsummed` those before, too, that no summary covers.
    However long a conversation is, only its end is read.

    Of each turn the question and its last complete reply, or else what was said until the last one
    was cancelled; a turn without either (failed, or a reply of no text, which providers refuse) is
    left out whole, so that roles alternate.
    A run that repeats a turn outside its conversation sees what that turn saw, as far as it is
    still there. No turn sees a summary of itself or of a later one.
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
    if turn is not execution or through >= turn.serial_number:
        began = turn.started_at or turn.created_at
        summary, through = summary_before(turn.serial_key, turn.serial_number, began)
    seen = said.exclude(status=MessageStatus.FAILED)
    wanted_after = through if unsummed else turn.serial_number
    messages: list[ChatMessage] = []
    numbers: list[int] = []
    for number, *pair in _turns_back(seen, turn.serial_number - 1, max(most, _AT_ONCE)):
        if len(messages) >= most and number <= wanted_after:
            break
        messages += reversed(pair)
        numbers += [number, number]
    return History(messages[::-1], numbers[::-1], summary, through, turn.serial_key)


def _turn_of(execution: WorkflowExecution) -> WorkflowExecution | None:
    """The execution itself, or the turn that it repeats, at however many removes."""
    found: WorkflowExecution | None = execution
    while found is not None and not found.serial_key:
        found = found.source if found.source_id else None
    return found if found and found.serial_key.startswith("conversation:") else None


def _conversation_id(turn: WorkflowExecution) -> UUID:
    return UUID(turn.serial_key.removeprefix("conversation:"))


def summary_before(serial_key: str, number: int, at: datetime) -> tuple[str, int]:
    """What the last run of this turn or of one before it, ended by this time, had summed up."""
    earlier = WorkflowExecution.objects.in_series(serial_key).filter(
        serial_number__lte=number,
        finished_at__lte=at,
        output__memory__isnull=False,
    )
    left = earlier.order_by("-finished_at").values_list("output", flat=True).first()
    memory = (left or {}).get("memory") or {"summary": "", "through": 0}
    return memory["summary"], memory["through"]


def forget_summaries(serial_key: str, number: int) -> None:
    """Take from all runs the summaries that tell of this turn: it is no longer as they say.

    The caller holds the conversation locked.
    """
    series = WorkflowExecution.objects.in_series(serial_key)
    telling = series.filter(output__memory__through__gte=number)
    runs = list(telling.select_for_update().only("output"))
    for run in runs:
        (run.output or {}).pop("memory")
    WorkflowExecution.objects.bulk_update(runs, ["output"], batch_size=_AT_ONCE)


Turn = tuple[int, ChatMessage, ChatMessage]


def _turns_back(said: MessageQuerySet, last: int, at_once: int) -> Iterator[Turn]:
    """The turns that have a question and a reply, newest first; so many numbers to a query."""
    for newest in range(last, 0, -at_once):
        rows = said.filter(turn__gt=newest - at_once, turn__lte=newest).in_order()
        found = rows.values_list("turn", "role", "text", "status")
        texts: dict[int, dict[str, str]] = {}
        for turn, role, text, _ in sorted(found, key=_is_complete):
            texts.setdefault(turn, {})[role] = text
        for turn in sorted(texts, reverse=True):
            question, reply = (texts[turn].get(role, "") for role in (Role.USER, Role.ASSISTANT))
            if question.strip() and reply.strip():
                yield turn, ChatMessage("user", question), ChatMessage("assistant", reply)


def _is_complete(row: tuple[int, str, str, str]) -> bool:
    return row[3] == MessageStatus.COMPLETE
