"""Start an execution and watch it as the caller asked: the one handling of the three modes."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, Literal, Protocol, TypeVar, cast
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from rest_framework.request import Request

from accounts.models import User
from core.database import database
from core.errors import NotFound
from core.events import Going
from core.idempotency import checked_key, idempotency_key
from core.shapes import Shape
from workflows.engine.events import TERMINAL_TYPES, ExecutionWaiting
from workflows.models import ExecutionStatus, WorkflowExecution
from workflows.progress import status_of
from workflows.services.idempotency import NO_KEY, Idempotency, one_answer
from workflows.tracking.frames import Frame
from workflows.tracking.log import Tail
from workflows.watching.births import from_birth
from workflows.watching.channels import ExecutionChannel
from workflows.watching.cursor import Cursor
from workflows.watching.streamed import ChannelStream, stream_channel, streaming

Mode = Literal["wait", "stream", "background"]


class Begun(Protocol):
    """The result of starting something."""

    @property
    def execution(self) -> WorkflowExecution: ...


B = TypeVar("B", bound=Begun)
_STOPS = frozenset({ExecutionWaiting.type, *TERMINAL_TYPES.values()})


@dataclass(frozen=True, slots=True)
class Door(Generic[B]):
    """One way to start an execution, and how to reply to whoever asked for it.

    `begin` starts the execution with the id `wanted`, or finds the one that the same idempotency
    key started before. `response` shows it as it began, or with `ended` (the data of the last
    event, `at` and `status`) as it ended. `gone` is raised when it was deleted meanwhile.
    `key` is that idempotency key and whose it is.
    """

    wanted: UUID
    begin: Callable[[], Awaitable[B]]
    response: Callable[[B, Mapping[str, Any] | None], Shape]
    gone: type[NotFound] = NotFound
    key: tuple[UUID, str] | None = None


async def start_for(
    request: HttpRequest, user: User, door: Door[B], mode: Mode
) -> HttpResponseBase:
    """As `start`; or stream: the events, for as long as this user may have them.

    Raises TooManyConnections, before anything is started.
    """
    if mode != "stream":
        return await start(door, mode)
    channel, opening = ExecutionChannel(), from_birth(door.wanted)
    stream = ChannelStream(request, user, channel, str(door.wanted), opening)
    try:
        begun = await door.begin()
    except BaseException:
        stream.close()
        raise
    if begun.execution.id == door.wanted:
        return streaming(stream)
    stream.close()
    return await stream_channel(request, user, channel, str(begun.execution.id), Cursor())


async def start(door: Door[B], mode: Literal["wait", "background"]) -> HttpResponseBase:
    """wait: 201 with the end, or 202 when the run waits for people or the server stops; background:
    202 with the beginning.
    """
    if mode == "background":
        return await _begun(door, await door.begin())
    with Tail(door.wanted, unborn=True, only=_STOPS) as tail:
        begun = await door.begin()
        if begun.execution.id == door.wanted:
            return await _waited(door, begun, tail)
    with Tail(begun.execution.id, only=_STOPS) as tail:
        return await _waited(door, begun, tail)


async def _waited(door: Door[B], begun: B, tail: Tail) -> HttpResponseBase:
    try:
        return await _ended(door, begun, tail)
    except Going:
        return _json(door.response(begun, None), 202)


async def _ended(door: Door[B], begun: B, tail: Tail) -> HttpResponseBase:
    async for frame in tail.frames():
        if frame.last:
            return _json(door.response(begun, _end(frame)), 201)
        if frame.type == ExecutionWaiting.type:
            paused = await database.run(_paused, begun.execution.id)
            if paused is not None:
                begun = replace(cast("Any", begun), execution=paused)
                return _json(door.response(begun, None), 202)
    raise door.gone


async def _begun(door: Door[B], begun: B) -> HttpResponseBase:
    """How it began; who asks again with the same key is told the same."""
    text = door.response(begun, None).model_dump_json()
    if door.key is not None and door.key[1]:
        text = await database.run(one_answer, *door.key, text)
    return HttpResponse(text, status=202, content_type="application/json")


def _paused(execution_id: UUID) -> WorkflowExecution | None:
    """It with its approvals, if it waits still."""
    waiting = WorkflowExecution.objects.filter(status=ExecutionStatus.WAITING)
    return waiting.for_list().filter(pk=execution_id).first()


def idempotency(request: HttpRequest | Request) -> Idempotency:
    """What makes this request start one execution, however often. Raises BadIdempotencyKey."""
    key = idempotency_key(request)
    return NO_KEY if key is None else keyed(key, request.path.encode() + request.body)


def keyed(key: str, asked: bytes) -> Idempotency:
    """Raises BadIdempotencyKey."""
    return Idempotency(
        idempotency_key=checked_key(key), request_hash=hashlib.sha256(asked).hexdigest()
    )


def _end(frame: Frame) -> dict[str, Any]:
    event = frame.event()
    return {**event["data"], "at": event["at"], "status": status_of(frame.type)}


def _json(shape: Shape, status: int) -> HttpResponse:
    return HttpResponse(shape.model_dump_json(), status=status, content_type="application/json")
