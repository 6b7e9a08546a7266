"""Say something and be answered: the reply waited for, streamed, or worked on behind."""

from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponseBase
from drf_spectacular.utils import extend_schema

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
from core.api import AsyncAPIView, parsed
from core.errors import Invalid
from core.idempotency import KEY
from core.models import new_id
from workflows.api.shapes import execution_out
from workflows.api.starting import Door, idempotency, start_for
from workflows.api.streaming import STREAM

RESPONSES: dict[Any, Any] = {**STREAM, 201: ChatAnswered, 202: ChatStarted}


class OneWorkflow(Invalid):
    code = "one_workflow"
    message = "Name a template or a definition, not both."


class Chat(AsyncAPIView):
    """`mode` wait: 201 with the reply, or 202 once the run waits for people or the server stops;
    stream: the events; background: 202 with the execution.
    """

    @extend_schema(request=ChatIn, parameters=[KEY], responses=RESPONSES)
    async def post(self, request: HttpRequest) -> HttpResponseBase:
        user = await authenticate_request(request)
        return await answer(request, user, await parsed(ChatIn, request))


async def answer(
    request: HttpRequest, user: User, body: ChatIn, conversation: UUID | None = None
) -> HttpResponseBase:
    """Start the turn and watch it as the caller asked."""
    turn = _turn(user, request, body, conversation)
    key = (user.id, turn.idempotency_key)
    door = Door(turn.execution, partial(start_turn, turn), _response, ConversationNotFound, key)
    return await start_for(request, user, door, body.mode)


def _turn(user: User, request: HttpRequest, body: ChatIn, conversation: UUID | None) -> Turn:
    if body.template and body.definition:
        raise OneWorkflow
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
        debug=body.debug,
        refuse_when_busy=body.when_busy == "refuse",
        **idempotency(request),
    )


def _response(started: Started, ended: Mapping[str, Any] | None) -> ChatStarted:
    return _started(started) if ended is None else _answered(started, ended)


def _started(started: Started) -> ChatStarted:
    return ChatStarted(
        conversation=conversation_out(started.conversation),
        user_message=message_out(started.question),
        execution=execution_out(started.execution, template=started.template),
    )


def _answered(started: Started, ended: Mapping[str, Any]) -> ChatAnswered:
    """Everything as the end of the run left it; the last event says it all."""
    if ended["message"] is None:  # deleted meanwhile
        raise ConversationNotFound
    return ChatAnswered(
        conversation=conversation_out(started.conversation, ended["conversation"]),
        user_message=message_out(started.question),
        message=reply_out(started, ended),
        execution=execution_out(started.execution, template=started.template, ended=ended),
    )
