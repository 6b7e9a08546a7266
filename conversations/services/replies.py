"""A reply is saved in the transaction that ends its run, whatever the end."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from conversations.aggregates import of_conversations
from conversations.history import forget_summaries
from conversations.models import Conversation, Message, MessageStatus, Role
from conversations.signals import messages_recorded
from core import clock
from core.bulk import insert_gathered, update_rows
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
    kept = _touched(replies)
    rows = [_reply_row(one) for one in replies if _conversation_id(one) in kept]
    insert_gathered(Message, rows)
    messages_recorded.send(sender=Message, messages=rows)
    totals = {row["conversation_id"]: _after(kept[row["conversation_id"]], row) for row in rows}
    for one in replies:
        memory = (one.output or {}).get("memory")
        is_summed_up = _is_summed_up(one, kept.get(_conversation_id(one), {}))
        if is_summed_up:
            forget_summaries(one.serial_key, one.serial_number)
        if memory or is_summed_up:
            summary, through = (memory["summary"], memory["through"]) if memory else ("", 0)
            Conversation.objects.filter(pk=_conversation_id(one)).update(
                summary=summary, summary_through=through
            )
    return {
        row["execution_id"]: {
            "message": row["id"],
            "text": row["text"],
            "conversation": totals[row["conversation_id"]],
        }
        for row in rows
    }


def _touched(replies: Sequence[ExecutionEnded]) -> dict[UUID, dict[str, Any]]:
    """The conversations that are still there, locked, with what they add up to before."""
    now = clock.now()
    ids = sorted({_conversation_id(one) for one in replies})
    rows = [{"id": one, "updated_at": now} for one in ids]
    returning = ["id", "message_count", "summary_through", *COUNTED]
    found = update_rows(Conversation, rows, returning=returning)
    return {row["id"]: {**row, "updated_at": now} for row in found}


def _is_summed_up(ended: ExecutionEnded, kept: Mapping[str, Any]) -> bool:
    """Whether it answers anew a turn that a summary tells of as it was."""
    completed = ended.status == ExecutionStatus.COMPLETED
    return completed and ended.serial_number <= kept.get("summary_through", 0)


def _after(kept: Mapping[str, Any], reply: Mapping[str, Any]) -> dict[str, Any]:
    """What a conversation adds up to with this reply, the only one that ends now."""
    sums = {one.into: kept[one.into] + one.worth(reply) for one in of_conversations.aggregates}
    return {
        **totals_json(sums),
        "message_count": sums["message_count"],
        "updated_at": kept["updated_at"],
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
