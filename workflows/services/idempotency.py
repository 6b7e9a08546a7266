"""An `Idempotency-Key` and its body are one request, however often it is sent within a day."""

from typing import TypedDict
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.models import User
from core.idempotency import IdempotencyKeyReused
from workflows.models import ExecutionStatus, IdempotencyKey, WorkflowExecution


class Idempotency(TypedDict):
    """Fields of an ExecutionRequest: the key, and the hash of what is asked; empty without one."""

    idempotency_key: str
    request_hash: str


NO_KEY = Idempotency(idempotency_key="", request_hash="")


def key_of(user_id: UUID, asked: Idempotency) -> IdempotencyKey | None:
    """What this request was the first time. Raises IdempotencyKeyReused for another body."""
    if not asked["idempotency_key"]:
        return None
    keys = IdempotencyKey.objects.select_related("execution__template")
    found: IdempotencyKey | None = keys.filter(
        user_id=user_id, key=asked["idempotency_key"]
    ).first()
    if found is not None and found.request_hash != asked["request_hash"]:
        raise IdempotencyKeyReused
    return found


def keep_key(user: User, asked: Idempotency, execution: WorkflowExecution) -> None:
    """For an act that starts nothing new, in its transaction. Raises IdempotencyKeyReused."""
    if not asked["idempotency_key"]:
        return
    key, request_hash = asked["idempotency_key"], asked["request_hash"]
    try:
        with transaction.atomic():
            IdempotencyKey.objects.create(
                user=user, key=key, request_hash=request_hash, execution=execution
            )
    except IntegrityError as error:  # sent at the same time, for another thing
        raise IdempotencyKeyReused from error


def one_answer(user_id: UUID, key: str, answer: str) -> str:
    """What all who send this key are told: this, unless one of them was told something before."""
    kept = IdempotencyKey.objects.filter(user_id=user_id, key=key)
    if kept.filter(answer="").update(answer=answer):
        return answer
    return kept.values_list("answer", flat=True).first() or answer


def as_begun(execution: WorkflowExecution) -> WorkflowExecution:
    """It as it was told when it began; how it ended its last event tells."""
    at_once = execution.started_at == execution.created_at
    execution.status = ExecutionStatus.RUNNING if at_once else ExecutionStatus.PENDING
    execution.attempt = 1 if at_once else 0
    execution.started_at = execution.created_at if at_once else None
    execution.cancel_requested_at = None
    execution.waited_ms = 0
    return execution
