"""Start an execution and watch it as the caller asked: the one handling of the three modes."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, Literal, Protocol, TypeVar, cast
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from core.database import database
from core.errors import Invalid, NotFound
from core.shapes import Shape
from workflows.api.streaming import event_stream
from workflows.engine.events import TERMINAL_TYPES, ExecutionWaiting
from workflows.models import ExecutionStatus, WorkflowExecution
from workflows.progress import status_of
from workflows.services.once import Idempotency, one_answer
from workflows.tracking.frames import Frame
from workflows.tracking.log import Tail

Mode = Literal["wait", "stream", "background"]
KEY = OpenApiParameter(
    "Idempotency-Key", str, "header", description="The same key and body start one execution."
)
_KEY_CHARACTERS = 255


class BadIdempotencyKey(Invalid):
    code = "bad_idempotency_key"
    message = "An Idempotency-Key has 1 to 255 printable characters."


class Begun(Protocol):
    """What starting something leads to."""

    @property
    def execution(self) -> WorkflowExecution: ...


B = TypeVar("B", bound=Begun)
_STOPS = frozenset({ExecutionWaiting.type, *TERMINAL_TYPES.values()})


@dataclass(frozen=True, slots=True)
class Door(Generic[B]):
    """One way to start: what it does, and how it is told.

    `begin` starts the execution with the id `wanted`, or finds the one that the same idempotency
    key started before. `told` shows it as it began, or with `ended` (the data of the last event,
    `at` and `status`) as it ended. `gone` is raised when it was deleted while somebody waited.
    `key` is that idempotency key and whose it is.
    """

    wanted: UUID
    begin: Callable[[], Awaitable[B]]
    told: Callable[[B, Mapping[str, Any] | None], Shape]
    gone: type[NotFound] = NotFound
    key: tuple[UUID, str] | None = None


async def start(door: Door[B], mode: Mode) -> HttpResponseBase:
    """wait: 201 with the end, or 202 when the run waits for people; stream: the events;
    background: 202 with the beginning.
    """
    only = _STOPS if mode == "wait" else ()
    tail = Tail(door.wanted, unborn=True, only=only).open()
    try:
        begun = await door.begin()
        if begun.execution.id != door.wanted:
            tail.close()
            tail = Tail(begun.execution.id, only=only).open()
        return await _watched(door, mode, begun, tail)
    except BaseException:
        if mode == "stream":  # nobody will read it to its end
            tail.close()
        raise
    finally:
        if mode != "stream":
            tail.close()


async def _watched(door: Door[B], mode: Mode, begun: B, tail: Tail) -> HttpResponseBase:
    if mode == "stream":
        return event_stream(tail)
    if mode == "background":
        return await _begun(door, begun)
    async for frame in tail.frames():
        if frame.last:
            return _json(door.told(begun, _end(frame)), 201)
        if frame.type == ExecutionWaiting.type:
            paused = await database.run(_paused, begun.execution.id)
            if paused is not None:
                begun = replace(cast("Any", begun), execution=paused)
                return _json(door.told(begun, None), 202)
    raise door.gone


async def _begun(door: Door[B], begun: B) -> HttpResponseBase:
    """How it began; who asks again with the same key is told the same."""
    text = door.told(begun, None).model_dump_json()
    if door.key is not None and door.key[1]:
        text = await database.run(one_answer, *door.key, text)
    return HttpResponse(text, status=202, content_type="application/json")


def _paused(execution_id: UUID) -> WorkflowExecution | None:
    """It with its approvals, if it waits still."""
    waiting = WorkflowExecution.objects.filter(status=ExecutionStatus.WAITING)
    return waiting.for_list().filter(pk=execution_id).first()


def idempotency(request: HttpRequest | Request) -> Idempotency:
    """What makes this request start one execution, however often. Raises BadIdempotencyKey."""
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > _KEY_CHARACTERS or not key.isprintable():
        raise BadIdempotencyKey
    asked = hashlib.sha256(request.path.encode() + request.body).hexdigest()
    return Idempotency(idempotency_key=key, request_hash=asked if key else "")


def _end(frame: Frame) -> dict[str, Any]:
    event = frame.event()
    return {**event["data"], "at": event["at"], "status": status_of(frame.type)}


def _json(shape: Shape, status: int) -> HttpResponse:
    return HttpResponse(shape.model_dump_json(), status=status, content_type="application/json")
