"""How many executions of a user are under way at a time: each start takes a place.

A start counts what the database holds and what this process is committing, under a lock: one
process never passes the limit. Another process is seen once it has committed, so of p processes
that start in the same instant each may take the last place: p - 1 too many at most, and only until
they end. While less than half of the places are taken a count serves for a second; two processes
together cannot pass the limit by that alone, p may take p halves of it within that second.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from threading import Lock
from uuid import UUID

from django.db import connection, transaction

from audit.models import Outcome
from audit.record import record
from core.database import database
from core.errors import TooMany
from workflows.limits import limits_in
from workflows.models import WorkflowExecution
from workflows.tracking.limits import ACTION

_KEPT_S = 1.0
_MOST_KEPT = 10_000
_RETRY_AFTER_S = 5


class TooManyExecutions(TooMany):
    code = "too_many_executions"
    message = "At most {most} of your executions run at a time. Wait for one to end, or stop one."


@dataclass(slots=True)
class _Known:
    """Of one user: who is being committed, and how many were under way at most a moment ago."""

    starting: set[UUID] = field(default_factory=set)
    number: int = 0
    until: float = 0.0


class Places:
    """What this process knows of each user. Safe to use from every thread."""

    def __init__(self) -> None:
        self._lock = Lock()  # never held over a query
        self._counting = Lock()
        self._users: dict[UUID, _Known] = {}

    def take_known(self, execution: WorkflowExecution, most: int) -> bool:
        """Take a place without a query, if a count of late says that there are plenty."""
        with self._lock:
            known = self._users.get(execution.user_id)
            if known is None or known.until < time.monotonic() or (known.number + 1) * 2 > most:
                return False
            known.starting.add(execution.id)
            known.number += 1
            return True

    def take(self, execution: WorkflowExecution, most: int) -> None:
        """Count, and take a place. Raises TooManyExecutions, once that is in the audit trail."""
        with self._counting:
            with self._lock:
                known = self._known(execution.user_id)
                starting, before = set(known.starting), known.number
            number = _under_way(execution.user_id, starting) + len(starting)
            if number < most:
                with self._lock:
                    known = self._known(execution.user_id)
                    known.starting.add(execution.id)
                    # Some may have taken known places while the database was asked.
                    known.number = number + 1 + max(known.number - before, 0)
                    known.until = time.monotonic() + _KEPT_S
                return
        _refuse(execution, most, number)

    def leave(self, execution: WorkflowExecution) -> None:
        """It is committed, or will not be."""
        with self._lock:
            self._known(execution.user_id).starting.discard(execution.id)

    def forget(self) -> None:
        """Count anew."""
        with self._lock:
            self._users.clear()

    def _known(self, user_id: UUID) -> _Known:
        if len(self._users) >= _MOST_KEPT:
            self._users = {one: known for one, known in self._users.items() if known.starting}
        return self._users.setdefault(user_id, _Known())


places = Places()


@asynccontextmanager
async def place_for(execution: WorkflowExecution) -> AsyncIterator[None]:
    """Hold a place while the execution is committed. Raises TooManyExecutions."""
    most = limits_in(execution).concurrent
    if most is None:
        yield
        return
    if not places.take_known(execution, most):
        await database.run(places.take, execution, most)
    try:
        yield
    finally:
        places.leave(execution)


def _refuse(execution: WorkflowExecution, most: int, number: int) -> None:
    detail = {"limit": "concurrent", "most": most, "reached": number}
    with transaction.atomic():
        record(
            ACTION,
            actor=execution.user_id,
            target=execution.user,
            outcome=Outcome.DENIED,
            detail=detail,
            request_id=execution.request_id,
        )
    raise TooManyExecutions(**detail, retry_after_s=_RETRY_AFTER_S)


def _under_way(user_id: UUID, without: set[UUID]) -> int:
    """By hand: a database takes a partial index only for states that stand in the statement."""
    key = WorkflowExecution._meta.pk
    ids = [key.get_db_prep_value(one, connection) for one in (user_id, *without)]
    others = f" AND id NOT IN ({', '.join(['%s'] * len(without))})" if without else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT COUNT(*) FROM {WorkflowExecution._meta.db_table} "  # noqa: S608 - our names
            "WHERE status IN ('pending', 'running', 'waiting') AND user_id = %s" + others,
            ids,
        )
        (number,) = cursor.fetchone()
    return int(number)
