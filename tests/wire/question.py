"""What a request asks, the same for both APIs: read once from the JSON body (pure)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .usage import count_messages

_SAID = {"messages", "system", "tools"}


class BadRequest(ValueError):
    """A body that the real API would refuse with 400."""


@dataclass(frozen=True, slots=True)
class Question:
    """A request, read.

    `text` is the last user message with its directives; `tool_results` are those after it, and
    `rounds` is how often the model has called tools since. `said` is every message: "role: text".
    `options` is all of the body but what is said and described.
    """

    model: str
    stream: bool
    text: str
    input_tokens: int
    max_tokens: int | None
    tells_usage: bool
    tools: frozenset[str]
    tool_results: tuple[str, ...]
    rounds: int
    said: tuple[str, ...]
    options: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Said:
    role: str
    text: str
    calls_tools: bool = False


def read_openai(body: Any) -> Question:
    """Read the body of a Chat Completions request. Raises BadRequest."""
    said = [_openai_said(message) for message in _messages(body)]
    stream = bool(body.get("stream"))
    return _question(
        body,
        said,
        max_tokens=body.get("max_completion_tokens") or body.get("max_tokens"),
        tells_usage=not stream or bool((body.get("stream_options") or {}).get("include_usage")),
        tools=(tool.get("function", {}).get("name") for tool in body.get("tools") or ()),
    )


def read_anthropic(body: Any) -> Question:
    """Read the body of a Messages request. Raises BadRequest."""
    messages = _messages(body)
    said = [_Said("system", _text(body["system"]))] if body.get("system") else []
    for message in messages:
        said.extend(_anthropic_said(message))
    if not isinstance(body.get("max_tokens"), int):
        raise BadRequest("max_tokens: Field required")
    if any(one.calls_tools for one in said) and not body.get("tools"):
        raise BadRequest("Requests which include `tool_use` blocks must define tools.")
    return _question(
        body,
        said,
        max_tokens=body["max_tokens"],
        tells_usage=True,
        tools=(tool.get("name") for tool in body.get("tools") or ()),
    )


def _openai_said(message: dict[str, Any]) -> _Said:
    calls = bool(message.get("tool_calls"))
    return _Said(message.get("role", ""), _text(message.get("content")), calls)


def _anthropic_said(message: dict[str, Any]) -> Iterable[_Said]:
    """Give tool results, which Anthropic puts in the user's message, a message of their own."""
    content = message.get("content")
    blocks = content if isinstance(content, list) else [{"type": "text", "text": content}]
    for block in blocks:
        if block.get("type") == "tool_result":
            yield _Said("tool", _text(block.get("content")))
    calls = any(block.get("type") == "tool_use" for block in blocks)
    text = _text(blocks)
    if text or calls:
        yield _Said(message.get("role", ""), text, calls)


def _messages(body: Any) -> list[dict[str, Any]]:
    if not isinstance(body, dict) or not isinstance(body.get("model"), str):
        raise BadRequest("you must provide a model parameter")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise BadRequest("messages: at least one message is required")
    return messages


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = (
        block.get("text")
        for block in content or ()
        if isinstance(block, dict) and block.get("type") == "text"
    )
    return "\n".join(part for part in parts if part)


def _question(
    body: dict[str, Any],
    said: list[_Said],
    *,
    max_tokens: int | None,
    tells_usage: bool,
    tools: Iterable[str],
) -> Question:
    last_user = max((index for index, one in enumerate(said) if one.role == "user"), default=-1)
    since = said[last_user + 1 :]
    return Question(
        model=body["model"],
        stream=bool(body.get("stream")),
        text=said[last_user].text if last_user >= 0 else "",
        input_tokens=count_messages([one.text for one in said]),
        max_tokens=max_tokens,
        tells_usage=tells_usage,
        tools=frozenset(tools),
        tool_results=tuple(one.text for one in since if one.role == "tool"),
        rounds=sum(one.calls_tools for one in since),
        said=tuple(f"{one.role}: {one.text}" for one in said),
        options={name: body[name] for name in body.keys() - _SAID},
    )
