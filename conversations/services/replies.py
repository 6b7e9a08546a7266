"""A reply is saved in the transaction that ends its run, whatever the end."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from conversations.models import Conversation, Message, MessageStatus, Role
from conversations.signals import messages_recorded
from core import clock
from core.bulk import insert_rows, update_rows
from core.models import new_id
from workflows.models import ExecutionStatus
from workflows.totals import COUNTED, totals_json
from workflows.tracking.ending import ExecutionEnded

STATUS: dict[str, MessageStatus] = {
    ExecutionStatus.COMPLETED: MessageStatus.COMPLETE,
    ExecutionStatus.FAILED: MessageStatus.FAILED,
    ExecutionStatus.CANCELLED: MessageStatus.CANCELLED,
}


def record_replies(ended: Sequence[ExecutionEnded]) -> dict[UUID, dict[str, Any]]:
    """Save the replies of executions that end now, in the transaction that ends them.

    Returns what their last event says of it: by execution: message, text, conversation totals.
    """
    replies = [one for one in ended if one.serial_key.startswith("conversation:")]
    if not replies:
        return {}
    known = _still_there(replies)
    rows = [_reply_row(one) for one in replies if _conversation_id(one) in known]
    insert_rows(Message, rows)
    messages_recorded.send(sender=Message, messages=rows)
    totals = _totals(rows)
    for one in replies:
        if memory := (one.output or {}).get("memory"):
            Conversation.objects.filter(pk=_conversation_id(one)).update(
                summary=memory["summary"], summary_through=memory["through"]
            )
    return {
        row["execution_id"]: {
            "message": row["id"],
            "text": row["text"],
            "conversation": totals[row["conversation_id"]],
        }
        for row in rows
    }


def _still_there(replies: Sequence[ExecutionEnded]) -> set[UUID]:
    ids = {_conversation_id(one) for one in replies}
    return set(Conversation.objects.filter(pk__in=ids).values_list("pk", flat=True))


def _totals(rows: Sequence[Mapping[str, Any]]) -> dict[UUID, dict[str, Any]]:
    """What the conversations of these replies add up to now."""
    now = clock.now()
    touched = [
        {"id": one, "updated_at": now} for one in sorted({row["conversation_id"] for row in rows})
    ]
    kept = update_rows(Conversation, touched, returning=["id", "message_count", *COUNTED])
    return {
        row["id"]: {
            **totals_json(row),
            "message_count": row["message_count"],
            "updated_at": now,
        }
        for row in kept
    }


def _conversation_id(ended: ExecutionEnded) -> UUID:
    return UUID(ended.serial_key.removeprefix("conversation:"))


def _reply_row(ended: ExecutionEnded) -> dict[str, Any]:
    return {
        "id": new_id(),
        "created_at": ended.finished_at,
        "conversation_id": _conversation_id(ended),
        "turn": ended.serial_number,
        "role": Role.ASSISTANT,
        "text": ended.text,
        "status": STATUS[ended.status],
        "error": ended.error,
        "execution_id": ended.execution_id,
        "provider": ended.answerer.provider,
        "model": ended.answerer.model,
        "demo": ended.answerer.demo,
        "response_time_ms": ended.duration_ms,
        **{name: ended.totals[name] for name in COUNTED},
    }
