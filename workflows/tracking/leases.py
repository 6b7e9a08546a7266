"""Who owns a running execution: a lease with an attempt number that fences off earlier owners."""

import os
import socket
from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection, transaction

from core import clock
from workflows.models import ExecutionStatus, WorkflowExecution

Held = tuple[UUID, int]
_CLAIMED = (
    "status",
    "attempt",
    "lease_owner",
    "lease_expires_at",
    "started_at",
    "wakes_at",
    "waiting_since",
    "waited_ms",
)


def new_owner() -> str:
    """A name no other process or restart has."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{uuid4().hex[:8]}"


def expiry() -> datetime:
    return clock.now() + timedelta(seconds=settings.CHATTER_LEASE_S)


def still_held(leases: Collection[Held]) -> set[Held]:
    """Those of the leases that are current; their executions stay locked until the commit."""
    key = WorkflowExecution._meta.pk
    ids = [key.get_db_prep_value(one, connection) for one in sorted({held[0] for held in leases})]
    lock = "FOR UPDATE" if connection.features.has_select_for_update else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, attempt FROM {WorkflowExecution._meta.db_table} "  # noqa: S608
            f"WHERE status = %s AND id IN ({', '.join(['%s'] * len(ids))}) ORDER BY id {lock}",
            [ExecutionStatus.RUNNING, *ids],
        )
        current = {(_uuid(execution_id), attempt) for execution_id, attempt in cursor.fetchall()}
    return current & set(leases)


def _uuid(value: UUID | str) -> UUID:
    return value if isinstance(value, UUID) else UUID(value)


@transaction.atomic
def claim(owner: str, limit: int) -> tuple[list[WorkflowExecution], bool]:
    """Take up to `limit` executions that nobody runs, each with a new attempt number.

    Whoever wins the conditional UPDATE owns it; a doubled doorbell claims nothing twice. Returns
    them, and whether others wait that could not be taken yet.
    """
    wanted = WorkflowExecution.objects.claimable().select_related("version", "user")
    found = wanted.select_for_update(skip_locked=True, of=("self",))[:limit]
    claimed = [execution for execution in found if _claimed(execution, owner)]
    return claimed, WorkflowExecution.objects.filter(status=ExecutionStatus.PENDING).exists()


def _claimed(execution: WorkflowExecution, owner: str) -> bool:
    unchanged = WorkflowExecution.objects.filter(
        pk=execution.pk, status=execution.status, attempt=execution.attempt
    )
    if execution.waiting_since is not None:
        execution.waited_ms += _milliseconds_since(execution.waiting_since)
    execution.waiting_since = execution.wakes_at = None
    execution.status = ExecutionStatus.RUNNING
    execution.attempt += 1
    execution.lease_owner, execution.lease_expires_at = owner, expiry()
    execution.started_at = execution.started_at or clock.now()
    return unchanged.update(**{name: getattr(execution, name) for name in _CLAIMED}) == 1


def _milliseconds_since(began: datetime) -> int:
    return max(round((clock.now() - began).total_seconds() * 1000), 0)


def renew(owner: str, running: Collection[UUID]) -> set[UUID]:
    """Prolong the leases of what `owner` really runs; returns what someone asked to cancel."""
    mine = WorkflowExecution.objects.filter(
        pk__in=running, lease_owner=owner, status=ExecutionStatus.RUNNING
    )
    mine.update(lease_expires_at=expiry())
    return set(mine.filter(cancel_requested_at__isnull=False).values_list("pk", flat=True))
