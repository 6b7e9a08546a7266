"""Say something and be answered: the reply waited for, streamed, or worked on behind."""

import hashlib
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema

from accounts.authentication import authenticate_request
from accounts.models import User
from conversations.api.shapes import (
    ChatAnswered,
    ChatIn,
    ChatStarted,
    conversation_out,
    message_out,
    reply_out,
)
from conversations.services.turns import ConversationNotFound, Started, Turn, start_turn
from core.api import AsyncAPIView, parse
from core.errors import Invalid
from core.models import new_id
from workflows.api.shapes import execution_out
from workflows.api.streaming import event_stream
from workflows.progress import status_of
from workflows.tracking.frames import Frame
from workflows.tracking.log import Tail

KEY = OpenApiParameter(
    "Idempotency-Key", str, "header", description="The same key and body start one execution."
)
_KEY_CHARACTERS = 255
RESPONSES = {201: ChatAnswered, 202: ChatStarted}


class BadIdempotencyKey(Invalid):
    code = "bad_idempotency_key"
    message = "An Idempotency-Key has 1 to 255 printable characters."


class OneWorkflow(Invalid):
    code = "one_workflow"
    message = "Name a template or a definition, not both."


class Chat(AsyncAPIView):
    """`mode` wait: 201 with the reply; stream: the events; background: 202 with the execution."""

    @extend_schema(request=ChatIn, parameters=[KEY], responses=RESPONSES)
    async def post(self, request: HttpRequest) -> HttpResponseBase:
        return await answer(request, parse(ChatIn, request))


async def answer(request: HttpRequest, body: ChatIn, conversation: Any = None) -> HttpResponseBase:
    """Start the turn and watch it as the caller asked."""
    user = await authenticate_request(request)
    turn = _turn(user, request, body, conversation)
    tail = Tail(turn.execution, unborn=True).open()
    try:
        started = await start_turn(turn)
        if started.execution.id != turn.execution:  # this key started another one before
            tail.close()
            tail = Tail(started.execution.id).open()
        return await _watched(body.mode, started, tail)
    finally:
        if body.mode != "stream":
            tail.close()


async def _watched(mode: str, started: Started, tail: Tail) -> HttpResponseBase:
    if mode == "stream":
        return event_stream(tail)
    if mode == "background":
        return _json(_started(started), 202)
    async for frame in tail.frames():
        if frame.last:
            return _json(_answered(started, frame), 201)
    raise ConversationNotFound  # deleted meanwhile, and the log with it


def _turn(user: User, request: HttpRequest, body: ChatIn, conversation: Any) -> Turn:
    if body.template and body.definition:
        raise OneWorkflow
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > _KEY_CHARACTERS or not key.isprintable():
        raise BadIdempotencyKey
    parameters: Mapping[str, Any] = body.parameters
    if body.model:
        parameters = {**parameters, "model": body.model}
    return Turn(
        user=user,
        execution=new_id(),
        message=body.message,
        request_id=request.request_id,  # type: ignore[attr-defined]
        conversation=conversation or body.conversation,
        template=body.template,
        definition=body.definition,
        parameters=parameters,
        refuse_when_busy=body.when_busy == "refuse",
        idempotency_key=key,
        request_hash=hashlib.sha256(request.path.encode() + request.body).hexdigest()
        if key
        else "",
    )


def _started(started: Started) -> ChatStarted:
    return ChatStarted(
        conversation=conversation_out(started.conversation),
        user_message=message_out(started.question),
        execution=execution_out(started.execution, template=started.template),
    )


def _answered(started: Started, frame: Frame) -> ChatAnswered:
    """Everything as the end of the run left it; the last event says it all."""
    event = frame.event()
    ended = {**event["data"], "at": event["at"], "status": status_of(frame.type)}
    if ended["message"] is None:
        raise ConversationNotFound
    return ChatAnswered(
        conversation=conversation_out(started.conversation, ended["conversation"]),
        user_message=message_out(started.question),
        message=reply_out(started, ended),
        execution=execution_out(started.execution, template=started.template, ended=ended),
    )


def _json(shape: Any, status: int) -> HttpResponse:
    return HttpResponse(shape.model_dump_json(), status=status, content_type="application/json")
