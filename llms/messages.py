"""The messages sent to a model, independent of any library's types."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message. `tool_calls` are `{id, name, args}`; a tool's result names its call's id.

    `offered` are the tools that a model might call when it asked for some; None: not known.
    """

    role: Role
    text: str
    tool_calls: tuple[Mapping[str, Any], ...] = ()
    tool_call_id: str = ""
    offered: tuple[str, ...] | None = None

    @property
    def is_empty(self) -> bool:
        """Says nothing and asks for nothing; providers refuse such an assistant message."""
        return not (self.text.strip() or self.tool_calls)

    def everything(self) -> str:
        """All that the provider is sent, as one text to measure."""
        if not self.tool_calls:
            return self.text
        return self.text + json.dumps(self.tool_calls, ensure_ascii=False, default=str)

    def as_json(self) -> list[Any]:
        return [self.role, self.text, self.tool_calls, self.tool_call_id]


def sendable(messages: Iterable[ChatMessage]) -> tuple[ChatMessage, ...]:
    """Without empty assistant messages: one empty answer must not poison every later turn."""
    return tuple(
        message for message in messages if message.role != "assistant" or not message.is_empty
    )


def to_langchain(messages: Iterable[ChatMessage]) -> "list[BaseMessage]":
    """The same as LangChain's messages."""
    # langchain_core takes 30 MB; a process that asks no model does not load it.
    from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

    def one(message: ChatMessage) -> "BaseMessage":
        match message.role:
            case "system":
                return SystemMessage(message.text)
            case "user":
                return HumanMessage(message.text)
            case "tool":
                return ToolMessage(message.text, tool_call_id=message.tool_call_id)
        calls = [{**call, "type": "tool_call"} for call in message.tool_calls]
        return AIMessage(message.text, tool_calls=calls)

    return [one(message) for message in messages]


def clean(text: str) -> str:
    """Text that every database can hold: without NUL, and without halves of characters."""
    if "\x00" in text:
        text = text.replace("\x00", "")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def clean_json(value: Any) -> Any:
    """The same for all text in a JSON value, keys included."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {clean(str(key)): clean_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean_json(item) for item in value]
    return value
