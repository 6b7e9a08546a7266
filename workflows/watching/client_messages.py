"""What clients send on `ws/v1/`."""

from typing import Annotated, Literal
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from core.api import MalformedBody, issues_of
from core.errors import Invalid
from workflows.watching.channels import channels
from workflows.watching.cursor import Cursor

_NUMBERS = Annotated[int, Field(ge=0, le=999_999_999)]
_MOST_CHARACTERS = 100_000


class ClientMessage(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    ref: str | None = Field(default=None, max_length=64)


class ChannelMessage(ClientMessage):
    """`id` stands where the channel is of one thing, and only there."""

    channel: str = Field(max_length=64)
    id: str | None = Field(default=None, max_length=64)

    @model_validator(mode="after")
    def names_a_channel(self) -> "ChannelMessage":
        channel = channels().get(self.channel)
        if channel is None:
            raise ValueError(f"The channels are {', '.join(channels())}.")
        if channel.named is not (self.id is not None):
            raise ValueError("`id` says which execution or conversation, and stands only there.")
        return self

    @property
    def key(self) -> tuple[str, str]:
        return self.channel, (self.id or "").lower()


class Subscribe(ChannelMessage):
    """Where the client was: `after` of one execution; `after_execution` with it, or `positions`,
    of several.
    """

    type: Literal["subscribe"]
    after: _NUMBERS = 0
    after_execution: Annotated[UUID, Field(strict=False)] | None = None
    positions: dict[Annotated[UUID, Field(strict=False)], _NUMBERS] = Field(
        default_factory=dict, max_length=100
    )

    @property
    def cursor(self) -> Cursor:
        seen = dict(self.positions)
        if self.after_execution is not None:
            seen[self.after_execution] = self.after
        return Cursor(self.after, seen, exact=bool(self.positions))


class Unsubscribe(ChannelMessage):
    type: Literal["unsubscribe"]


class Ping(ClientMessage):
    type: Literal["ping"]


_ANY: TypeAdapter[Subscribe | Unsubscribe | Ping] = TypeAdapter(
    Annotated[Subscribe | Unsubscribe | Ping, Field(discriminator="type")]
)


class NotUnderstood(Invalid):
    """`errors` lists `{path, code, message}`."""

    code = "not_understood"
    message = "This message is none of those that are read here."


def read_message(text: str | None) -> Subscribe | Unsubscribe | Ping:
    """Raises MalformedBody, NotUnderstood."""
    if text is None or len(text) > _MOST_CHARACTERS:
        raise NotUnderstood(errors=[])
    try:
        body = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise MalformedBody(reason=str(error)) from error
    try:
        return _ANY.validate_python(body)
    except ValidationError as error:
        raise NotUnderstood(errors=issues_of(error)) from error


def named_in(text: str | None) -> dict[str, str]:
    """Of a message that is refused, what tells its sender which one it was."""
    try:
        body = orjson.loads(text or "")
    except orjson.JSONDecodeError:
        return {}
    if not isinstance(body, dict):
        return {}
    found = ((name, body.get(name)) for name in ("channel", "id", "ref"))
    return {name: value[:64] for name, value in found if isinstance(value, str)}
