"""How many executions of a user are under way at a time, and how many wait in the queue."""

from collections.abc import AsyncIterator, Set
from contextlib import asynccontextmanager
from typing import NoReturn
from uuid import UUID

from django.conf import settings
from django.db import connection

from core.database import database
from core.errors import TooMany
from workflows.limits import limits_in
from workflows.models import WorkflowExecution
from workflows.services.refused_starts import note_refused
from workflows.services.tally import Key, Tally

_RETRY_AFTER_S = 5
# SQLite takes a partial index only for its very condition, as it stands there.
_UNDER_WAY = "status IN ('pending', 'running', 'waiting')"
_PENDING = f"{_UNDER_WAY} AND status = 'pending'"


class TooManyExecutions(TooMany):
    code = "too_many_executions"
    message = "At most {most} of your executions run at a time. Wait for one to end, or stop one."


class QueueFull(TooMany):
    """`limit` in the detail tells whose queue is meant: all users' or one's own."""

    code = "queue_full"
    message = (
        "{reached} executions wait already, of at most {most}. Try again in {retry_after_s} s."
    )


def _under_way(user_id: Key, without: Set[UUID]) -> int:
    return _number(_UNDER_WAY, user_id, without)


def _pending(user_id: Key, without: Set[UUID]) -> int:
    return _number(_PENDING, user_id, without)


places, queue = Tally(_under_way), Tally(_pending)


@asynccontextmanager
async def place_for(execution: WorkflowExecution) -> AsyncIterator[None]:
    """Hold a place while the execution is committed. Raises TooManyExecutions."""
    most = limits_in(execution).concurrent
    if most is None:
        yield
        return
    user_id, one = execution.user_id, execution.id
    if not places.take_known(user_id, one, most):
        reached = await database.run(places.take, user_id, one, most)
        if reached is not None:
            await _refuse(execution, TooManyExecutions, "concurrent", most, reached)
    try:
        yield
    finally:
        places.leave(user_id, one)


@asynccontextmanager
async def place_in_queue(execution: WorkflowExecution) -> AsyncIterator[None]:
    """Hold a place in the queue while an execution is committed that nobody runs yet.

    Where few wait in all, nobody has many. Raises QueueFull.
    """
    of_user = settings.QUEUE_MAX_PENDING_PER_USER
    async with _queued(execution, None, settings.QUEUE_MAX_PENDING):
        if queue.are_few(None, of_user):
            yield
            return
        async with _queued(execution, execution.user_id, of_user):
            yield


@asynccontextmanager
async def _queued(execution: WorkflowExecution, key: Key, most: int) -> AsyncIterator[None]:
    if not queue.take_known(key, execution.id, most):
        reached = await database.run(queue.take, key, execution.id, most)
        if reached is not None:
            limit = "pending" if key is None else "pending_per_user"
            await _refuse(execution, QueueFull, limit, most, reached)
    try:
        yield
    finally:
        queue.leave(key, execution.id)


async def _refuse(
    execution: WorkflowExecution, why: type[TooMany], limit: str, most: int, reached: int
) -> NoReturn:
    error = why(limit=limit, most=most, reached=reached, retry_after_s=_RETRY_AFTER_S)
    await note_refused(execution, error)
    raise error


def _number(states: str, user_id: Key, without: Set[UUID]) -> int:
    """By hand, for the states have to stand in the statement."""
    key = WorkflowExecution._meta.pk
    of_user = [] if user_id is None else [user_id]
    ids = [key.get_db_prep_value(one, connection) for one in (*of_user, *without)]
    whose = " AND user_id = %s" if of_user else ""
    others = f" AND id NOT IN ({', '.join(['%s'] * len(without))})" if without else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT COUNT(*) FROM {WorkflowExecution._meta.db_table} "  # noqa: S608 - our names
            f"WHERE {states}{whose}{others}",
            ids,
        )
        (number,) = cursor.fetchone()
    return int(number)
