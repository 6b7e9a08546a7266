"""Who owns a running execution: a lease with an attempt number that fences off earlier owners.

A lease ends by the clock of the database, which is the same for all hosts.
"""

import os
import random
import socket
import time
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.db.models.expressions import Combinable
from django.db.models.functions import Now

from core import clock
from workflows.models import ExecutionStatus, WorkflowExecution

Held = tuple[UUID, int]
_TRIES = 4
_CONTENDED_S = 0.005
_OFTEN = 5  # attempts
_LONGER = 3  # times, at most
_CLAIMED = (
    "status",
    "attempt",
    "lease_owner",
    "started_at",
    "wakes_at",
    "waiting_since",
    "waited_ms",
)

_RENEWED = ("pk", "attempt", "pauses", "cancel_requested_at", "lease_owner", "status")


def new_owner() -> str:
    """A name no other process or restart has."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{uuid4().hex[:8]}"


def first_expiry() -> datetime:
    """Of a new execution, by our own clock: it is inserted as values, and renewed in a second."""
    return clock.now() + _length()


def _expiry() -> Combinable:
    return Now() + _length()


def _own_expiry() -> Combinable:
    """Of what has been taken up often: later, and for each at another time.

    Otherwise all that share a process with one that kills or blocks it would always be taken up
    together, as often, and be given up with it.
    """
    return Now() + random.uniform(1, _LONGER) * _length()  # noqa: S311 - chance, not a secret


def _was_often(attempt: int, pauses: int) -> bool:
    return attempt > pauses + _OFTEN


def _length() -> timedelta:
    return timedelta(seconds=settings.CHATTER_LEASE_S)


def still_held(leases: Collection[Held]) -> set[Held]:
    """Those of the leases that are current; their executions stay locked until the commit.

    Found by their ids alone: PostgreSQL would rather go by its index of what is under way, in which
    15,000 stood that no longer were, 3.5 ms each time (measured, between two vacuums).
    """
    key = WorkflowExecution._meta.pk
    ids = [key.get_db_prep_value(one, connection) for one in sorted({held[0] for held in leases})]
    lock = "FOR UPDATE" if connection.features.has_select_for_update else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, attempt, status FROM {WorkflowExecution._meta.db_table} "  # noqa: S608
            f"WHERE id IN ({', '.join(['%s'] * len(ids))}) ORDER BY id {lock}",
            ids,
        )
        rows = cursor.fetchall()
    running = {(_uuid(pk), attempt) for pk, attempt, now in rows if now == ExecutionStatus.RUNNING}
    return running & set(leases)


def _uuid(value: UUID | str) -> UUID:
    return value if isinstance(value, UUID) else UUID(value)


def claim(
    owner: str, limit: int, after: UUID | None = None, reserve: Callable[[int], int] = int
) -> list[WorkflowExecution]:
    """Take up to `limit` executions that nobody runs, each with a new attempt number.

    Users take turns, beginning behind `after`. `reserve` is told how many could be taken in all and
    answers how many may be. Whoever wins the conditional UPDATE owns it; a doubled doorbell claims
    nothing twice. Where nothing waits nothing is locked.
    """
    claimed: list[WorkflowExecution] = []
    for _ in range(_TRIES):
        waiting = _in_turn(limit - len(claimed), after)
        places = reserve(len(claimed) + len(waiting)) - len(claimed)
        if not (wanted := waiting[:places]):
            break
        taken = _taken(owner, wanted)
        claimed += taken
        if len(taken) == len(wanted):
            break
        time.sleep(_CONTENDED_S)  # another pump has these: what is left is seen when it is through
    return claimed


def some_wait() -> bool:
    """Whether there are executions that could not be taken yet."""
    waiting = WorkflowExecution.objects.under_way().filter(status=ExecutionStatus.PENDING)
    return waiting.exists()


def _in_turn(limit: int, after: UUID | None) -> list[UUID]:
    return list(WorkflowExecution.objects.in_turn(after).values_list("pk", flat=True)[:limit])


def _taken(owner: str, wanted: list[UUID]) -> list[WorkflowExecution]:
    """One that cannot be had now, as its series has begun another, keeps no other from being."""
    try:
        return _take(owner, wanted)
    except IntegrityError:
        if len(wanted) == 1:
            return []
        return [execution for one in wanted for execution in _taken(owner, [one])]


@transaction.atomic
def _take(owner: str, wanted: list[UUID]) -> list[WorkflowExecution]:
    """Those of the wanted that are still there to be had, in the order they are wanted."""
    seen = WorkflowExecution.objects.claimable().select_related("version", "user")
    found = seen.select_for_update(skip_locked=True, of=("self",)).filter(pk__in=wanted)
    in_order = sorted(found, key=lambda execution: wanted.index(execution.pk))
    return [execution for execution in in_order if _claimed(execution, owner)]


def _claimed(execution: WorkflowExecution, owner: str) -> bool:
    unchanged = WorkflowExecution.objects.filter(
        pk=execution.pk, status=execution.status, attempt=execution.attempt
    )
    if execution.waiting_since is not None:
        execution.waited_ms += _milliseconds_since(execution.waiting_since)
    execution.waiting_since = execution.wakes_at = None
    execution.status = ExecutionStatus.RUNNING
    execution.attempt += 1
    execution.lease_owner = owner
    execution.started_at = execution.started_at or clock.now()
    claimed = {name: getattr(execution, name) for name in _CLAIMED}
    often = _was_often(execution.attempt, execution.pauses)
    return unchanged.update(**claimed, lease_expires_at=_own_expiry() if often else _expiry()) == 1


def _milliseconds_since(began: datetime) -> int:
    return max(round((clock.now() - began).total_seconds() * 1000), 0)


def renew(owner: str, running: Mapping[UUID, int]) -> tuple[set[UUID], set[UUID]]:
    """Prolong the leases of what `owner` really runs, by attempt numbers.

    Returns what someone asked to cancel, and what is lost: another owner has taken it meanwhile, or
    it is deleted. Locks the executions in key order, as the writer does: in any other, each could
    wait for the other.
    """
    if not running:
        return set(), set()
    known = WorkflowExecution.objects.filter(pk__in=list(running)).order_by("pk")
    with transaction.atomic():
        rows = list(known.select_for_update().values_list(*_RENEWED))
        held = [row for row in rows if row[-2:] == (owner, ExecutionStatus.RUNNING)]
        ours = WorkflowExecution.objects.filter(pk__in=[pk for pk, *_ in held])
        ours.update(lease_expires_at=_expiry())
        for pk in (pk for pk, attempt, pauses, *_ in held if _was_often(attempt, pauses)):
            WorkflowExecution.objects.filter(pk=pk).update(lease_expires_at=_own_expiry())
    asked, lost = set[UUID](), set(running)
    for execution_id, attempt, _, cancel_requested_at, *_ in rows:
        if attempt == running[execution_id]:
            lost.discard(execution_id)
            if cancel_requested_at is not None:
                asked.add(execution_id)
    return asked, lost


def run_out(owners: Collection[str]) -> int:
    """End the leases of owners that are known to be dead, so that nobody waits for them.

    What has been taken up often keeps its own.
    """
    running = WorkflowExecution.objects.under_way().filter(status=ExecutionStatus.RUNNING)
    theirs = running.filter(lease_owner__in=owners, attempt__lte=F("pauses") + _OFTEN)
    return theirs.update(lease_expires_at=Now() - _length())
