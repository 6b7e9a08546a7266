"""What the API says of conversations and messages."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.conf import settings
from pydantic import Field, StringConstraints, field_validator

from conversations.models import Conversation, Message, Role
from conversations.services.replies import STATUS
from conversations.services.turns import Started
from core.shapes import Shape
from workflows.api.inputs import Body, JsonObject, Text
from workflows.api.shapes import ErrorOut, ExecutionOut
from workflows.totals import totals_json


class ChatIn(Body):
    """A message, and how it is to be answered; `model` is "provider:model"."""

    message: Text = Field(min_length=1, max_length=settings.MESSAGE_MAX_CHARACTERS)
    conversation: UUID | None = None
    template: Text = Field(default="", max_length=80)
    definition: UUID | None = None
    model: Text = Field(default="", max_length=300)
    parameters: JsonObject = Field(default_factory=dict)
    mode: Literal["wait", "stream", "background"] = "wait"
    when_busy: Literal["wait", "refuse"] = "wait"
    debug: bool = False

    @field_validator("message")
    @classmethod
    def says_something(cls, text: str) -> str:
        if not text.strip():
            raise ValueError("The message is empty.")
        return text


Title = Annotated[Text, StringConstraints(strip_whitespace=True, max_length=200)]


class ConversationIn(Body):
    """What the owner of a conversation can set."""

    title: Title | None = None
    archived: bool | None = None


class ConversationOut(Shape):
    """A conversation and the totals of its messages; `cost` in dollars, null when unknown."""

    id: UUID
    title: str
    archived: bool
    message_count: int
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cost: str | None
    exactness: str
    created_at: datetime
    updated_at: datetime


class MessageOut(Shape):
    """A message; tokens, cost, provider and model are null for what a person said."""

    id: UUID
    conversation: UUID
    turn: int
    role: str
    text: str
    status: str
    error: ErrorOut | None
    execution: UUID | None
    provider: str | None
    model: str | None
    demo: bool
    prompt_tokens: int | None
    completion_tokens: int | None
    total_tokens: int | None
    cost: str | None
    exactness: str | None
    response_time_ms: int | None
    created_at: datetime


class ChatStarted(Shape):
    conversation: ConversationOut
    user_message: MessageOut
    execution: ExecutionOut


class ChatAnswered(ChatStarted):
    """`message` is the reply; one of a failed run says so in `status` and `error`."""

    message: MessageOut


def conversation_out(
    conversation: Conversation, told: Mapping[str, Any] | None = None
) -> ConversationOut:
    """The conversation as its row says, or with the totals told by an event that came later."""
    totals = told or {
        **totals_json(vars(conversation)),
        "message_count": conversation.message_count,
        "updated_at": conversation.updated_at,
    }
    return ConversationOut(
        id=conversation.id,
        title=conversation.title,
        archived=conversation.archived,
        message_count=totals["message_count"],
        prompt_tokens=totals["prompt_tokens"],
        completion_tokens=totals["completion_tokens"],
        total_tokens=totals["total_tokens"],
        cost=totals["cost"],
        exactness=totals["exactness"],
        created_at=conversation.created_at,
        updated_at=totals["updated_at"],
    )


def reply_out(started: Started, ended: Mapping[str, Any]) -> MessageOut:
    """The reply that the last event of a turn's execution tells of."""
    totals = ended["totals"]
    return MessageOut(
        id=ended["message"],
        conversation=started.conversation.id,
        turn=started.execution.serial_number,
        role=Role.ASSISTANT,
        text=ended["text"],
        status=STATUS[ended["status"]],
        error=ended["error"],
        execution=started.execution.id,
        provider=ended["provider"] or None,
        model=ended["model"] or None,
        demo=ended["demo"],
        prompt_tokens=totals["prompt_tokens"],
        completion_tokens=totals["completion_tokens"],
        total_tokens=totals["total_tokens"],
        cost=totals["cost"],
        exactness=totals["exactness"],
        response_time_ms=totals["duration_ms"],
        created_at=ended["at"],
    )


def message_out(message: Message) -> MessageOut:
    said_by_model = message.role == "assistant"
    totals: Mapping[str, Any] = totals_json(vars(message)) if said_by_model else {}
    return MessageOut(
        id=message.id,
        conversation=message.conversation_id,
        turn=message.turn,
        role=message.role,
        text=message.text,
        status=message.status,
        error=message.error,
        execution=message.execution_id,
        provider=message.provider or None,
        model=message.model or None,
        demo=message.demo,
        prompt_tokens=totals.get("prompt_tokens"),
        completion_tokens=totals.get("completion_tokens"),
        total_tokens=totals.get("total_tokens"),
        cost=totals.get("cost"),
        exactness=totals.get("exactness"),
        response_time_ms=message.response_time_ms,
        created_at=message.created_at,
    )
