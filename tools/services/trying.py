"""Calls tools outside any run, over the API; with a key only once, however often it is sent."""

import asyncio
from uuid import UUID, uuid5

from django.db import IntegrityError

from core import clock
from core.database import database
from core.idempotency import KEPT, IdempotencyKeyReused
from core.models import new_id
from core.origins import API
from tools.calling import call_tool
from tools.keeping import kept_arguments
from tools.ledger import ToolCallRecord
from tools.models import ToolCall, ToolCallStatus
from tools.permissions import GrantedPermissions
from tools.recording import DatabaseRecorder
from tools.request import ToolAnswer, ToolRequest

_LOOK_S = 0.2
_going_on: set[asyncio.Task[ToolAnswer]] = set()


def origin_of(user_id: UUID, key: str | None) -> str:
    """What no other call has, or what every call with this key of this user has."""
    return f"{API}{new_id() if key is None else uuid5(user_id, key)}"


async def try_tool(request: ToolRequest) -> ToolAnswer:
    """As `call_tool`; a caller who leaves stops it."""
    return await _called(request, ())


async def try_tool_once(request: ToolRequest) -> ToolAnswer:
    """As `call_tool`, once for all who ask the same of this origin, and to its end.

    The row in the ledger is what makes it one: whoever comes while it is open waits until it is
    settled. A call that was lost is made again. Raises IdempotencyKeyReused.
    """
    task = asyncio.create_task(_called_once(request))
    _going_on.add(task)
    task.add_done_callback(_going_on.discard)
    return await asyncio.shield(task)


async def _called_once(request: ToolRequest) -> ToolAnswer:
    while True:
        past = await database.run(_past, request)
        if any(call.status == ToolCallStatus.OPEN for call in past):
            await asyncio.sleep(_LOOK_S)
            continue
        try:
            answer = await _called(request, past)
            made = (await database.run(_past, request))[-1]
            return ToolAnswer.of(made, replayed=answer.replayed)  # as the row has it, for all alike
        except IntegrityError:
            if len(await database.run(_past, request)) == len(past):
                raise  # not since another came first


async def _called(request: ToolRequest, past: tuple[ToolCallRecord, ...]) -> ToolAnswer:
    async with DatabaseRecorder(past) as recorder:
        return await call_tool(request, recorder, GrantedPermissions())


def _past(request: ToolRequest) -> tuple[ToolCallRecord, ...]:
    """Raises IdempotencyKeyReused."""
    rows = ToolCall.objects.of_origin(request.origin).order_by("attempt")
    past = tuple(ToolCallRecord(**row) for row in rows.values())
    asked = (request.tool, kept_arguments(request.arguments))
    since = clock.now() - KEPT
    if any((call.tool, call.arguments) != asked for call in past if call.created_at > since):
        raise IdempotencyKeyReused
    return past
