"""Anthropic's Messages on the wire."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from .answer import Answer, argument_pieces
from .directives import ToolCall
from .protocol import Event, Protocol, Refusal, Telling, to_json
from .question import read_anthropic
from .usage import Billed, anthropic_delta_usage, anthropic_usage, told

_STOPS = {"stop": "end_turn", "length": "max_tokens", "tool": "tool_use", "filter": "refusal"}
_REFUSED = {"type": "refusal", "category": None, "explanation": "The request was refused."}

# Fault → status, type, message.
_REFUSALS = {
    "400": (400, "invalid_request_error", "The request body is not valid JSON."),
    "401": (401, "authentication_error", "invalid x-api-key"),
    "403": (403, "permission_error", "Your API key does not have permission."),
    "404": (404, "not_found_error", "model: not found"),
    "413": (413, "request_too_large", "Request exceeds the maximum size"),
    "429": (429, "rate_limit_error", "This request would exceed your organization's rate limit."),
    "504": (504, "timeout_error", "Request timed out"),
    "529": (529, "overloaded_error", "Overloaded"),
    "quota": (400, "invalid_request_error", "Your credit balance is too low."),
    "context": (400, "invalid_request_error", "prompt is too long: 16 tokens > 8 maximum"),
}


@dataclass(frozen=True, slots=True)
class _Delta:
    """A part of a content block, and whether its token is text or thought."""

    data: dict[str, Any]
    output: int = 0
    reasoning: int = 0


@dataclass(frozen=True, slots=True)
class _Block:
    """A content block, whole and as the stream opens and fills it."""

    whole: dict[str, Any]
    opened: dict[str, Any]
    deltas: tuple[_Delta, ...]


def _blocks(answer: Answer, telling: Telling) -> Iterator[_Block]:
    if answer.thoughts:
        yield _thinking(answer, telling)
    if answer.text:
        yield _text(answer)
    for index, call in enumerate(answer.calls):
        yield _tool_use(call, f"toolu_{telling.id[-20:]}{telling.question.rounds}{index}")


def _text(answer: Answer) -> _Block:
    pieces = answer.pieces
    return _Block(
        {"type": "text", "text": answer.text, "citations": None},
        {"type": "text", "text": ""},
        tuple(_Delta({"type": "text_delta", "text": piece}, output=1) for piece in pieces),
    )


def _thinking(answer: Answer, telling: Telling) -> _Block:
    signature = f"signed{telling.id[-20:]}"
    deltas = [
        _Delta({"type": "thinking_delta", "thinking": piece}, reasoning=1)
        for piece in answer.thoughts
    ]
    return _Block(
        {"type": "thinking", "thinking": "".join(answer.thoughts), "signature": signature},
        {"type": "thinking", "thinking": "", "signature": ""},
        (*deltas, _Delta({"type": "signature_delta", "signature": signature})),
    )


def _tool_use(call: ToolCall, id: str) -> _Block:
    opened = {"type": "tool_use", "id": id, "name": call.name, "input": {}}
    pieces = ("", *argument_pieces(call))
    return _Block(
        {**opened, "input": _input(call.arguments)},
        opened,
        tuple(_json_delta(piece) for piece in pieces),
    )


def _input(arguments: str) -> Any:
    """Of a call that was cut nothing is told."""
    try:
        return json.loads(arguments)
    except ValueError:
        return {}


def _json_delta(piece: str) -> _Delta:
    return _Delta({"type": "input_json_delta", "partial_json": piece}, output=1)


def _body(answer: Answer, telling: Telling) -> dict[str, Any]:
    body = _message(answer, telling, answer.billed)
    body["content"] = [block.whole for block in _blocks(answer, telling)]
    body.update(_ending(answer))
    if not telling.tells_usage:
        del body["usage"]
    return body


def _events(answer: Answer, telling: Telling) -> Iterator[Event]:
    """Stream as Anthropic does: message_start with the input, blocks, message_delta with all, stop.

    Output is 1 at the start and cumulative at the end. Without usage to tell, the start tells zeros
    and the end nothing.
    """
    begun = replace(answer.billed, output=1, reasoning=0) if telling.tells_usage else Billed()
    start = _message(answer, telling, begun)
    yield Event(_data("message_start", {"message": start}))
    yield Event(_data("ping", {}))
    output = 0
    for index, block in enumerate(_blocks(answer, telling)):
        yield Event(_data("content_block_start", {"index": index, "content_block": block.opened}))
        for delta in block.deltas:
            output += delta.output
            data = _data("content_block_delta", {"index": index, "delta": delta.data})
            yield Event(data, delta.output, delta.reasoning, is_word=bool(delta.output))
        yield Event(_data("content_block_stop", {"index": index}))
    end: dict[str, Any] = {"delta": _ending(answer)}
    if telling.tells_usage:
        usage = anthropic_delta_usage(answer.billed, bare=telling.bare)
        end["usage"] = told(usage, nulls=telling.nulls)
    yield Event(_data("message_delta", end), output=answer.billed.output - output)
    yield Event(_data("message_stop", {}))


def _message(answer: Answer, telling: Telling, billed: Billed) -> dict[str, Any]:
    usage = anthropic_usage(billed, ttl=telling.behaviour.ttl or "5m", bare=telling.bare)
    return {
        "id": telling.id,
        "type": "message",
        "role": "assistant",
        "model": telling.question.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": told(usage, nulls=telling.nulls),
    }


def _ending(answer: Answer) -> dict[str, Any]:
    ending: dict[str, Any] = {"stop_reason": _STOPS[answer.stop], "stop_sequence": None}
    if answer.stop == "filter":
        ending["stop_details"] = _REFUSED
    return ending


def _data(event: str, data: dict[str, Any]) -> bytes:
    return b"event: " + event.encode() + b"\ndata: " + to_json({"type": event, **data}) + b"\n\n"


def _broken(telling: Telling) -> bytes:
    delta = {"type": "text_delta", "text": " torn"}
    return _data("content_block_delta", {"index": 0, "delta": delta})[:-12] + b"\n\n"


def _refuse(kind: str, id: str, message: str | None) -> Refusal:
    fallback = (int(kind) if kind.isdecimal() else 500, "api_error", "Internal server error")
    status, type_, words = _REFUSALS.get(kind, fallback)
    error = {"type": type_, "message": message or words}
    return Refusal(status, {"type": "error", "error": error, "request_id": id})


def _stream_error(telling: Telling) -> bytes:
    refusal = _refuse("529", telling.id, None)
    return _data("error", {key: value for key, value in refusal.body.items() if key != "type"})


ANTHROPIC = Protocol(
    name="anthropic",
    id_prefix="msg_01",
    id_header="request-id",
    key_headers=("x-api-key", "authorization"),
    read=read_anthropic,
    refuse=_refuse,
    headers={"anthropic-ratelimit-requests-limit": "4000"},
    body=_body,
    events=_events,
    broken=_broken,
    stream_error=_stream_error,
)
