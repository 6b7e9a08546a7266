"""OpenAI's Chat Completions on the wire."""

import time
from collections.abc import Iterator
from typing import Any

from .answer import Answer, argument_pieces
from .protocol import Event, Protocol, Refusal, Telling, to_json
from .question import read_openai
from .usage import openai_usage, told

_STOPS = {"stop": "stop", "length": "length", "tool": "tool_calls", "filter": "content_filter"}

_INVALID = "invalid_request_error"

# Fault → status, type, code, message.
_REFUSALS: dict[str, tuple[int, str, str | None, str]] = {
    "400": (400, _INVALID, None, "We could not parse the JSON body of your request."),
    "401": (401, _INVALID, "invalid_api_key", "Incorrect API key provided."),
    "403": (403, _INVALID, "unsupported_country_region_territory", "Country not supported."),
    "404": (404, _INVALID, "model_not_found", "The model does not exist."),
    "429": (429, "requests", "rate_limit_exceeded", "Rate limit reached for requests per min."),
    "quota": (429, "insufficient_quota", "insufficient_quota", "You exceeded your current quota."),
    "context": (400, _INVALID, "context_length_exceeded", "Maximum context length is 8 tokens."),
}


def _refuse(kind: str, id: str, message: str | None) -> Refusal:
    other = int(kind) if kind.isdecimal() else 500, "server_error", None, "The server had an error."
    status, type_, code, words = _REFUSALS.get(kind, other)
    error = {"message": message or words, "type": type_, "param": None, "code": code}
    return Refusal(status, {"error": error})


def _body(answer: Answer, telling: Telling) -> dict[str, Any]:
    message: dict[str, Any] = {
        "role": "assistant",
        "content": answer.text,
        "refusal": None,
        "annotations": [],
    }
    if answer.calls:
        message["content"] = None
        calls = enumerate(answer.calls)
        message["tool_calls"] = [
            _call(telling, at, call.name, call.arguments) for at, call in calls
        ]
    choice = {"index": 0, "message": message, "logprobs": None}
    choice["finish_reason"] = _STOPS[answer.stop]
    body = {**_frame(telling, "chat.completion"), "choices": [choice]}
    if telling.tells_usage:
        body["usage"] = _usage(answer, telling)
    return body


def _events(answer: Answer, telling: Telling) -> Iterator[Event]:
    """Stream as OpenAI does: role, words or calls, finish, usage with no choices, `[DONE]`.

    Reasoning is not shown, so its tokens are out with the first event.
    """
    opening = {"role": "assistant", "content": None if answer.calls else "", "refusal": None}
    yield Event(_chunk(telling, opening), reasoning=answer.billed.reasoning)
    output = 0
    for piece in answer.pieces:
        output += 1
        yield Event(_chunk(telling, {"content": piece}), output=1, is_word=True)
    for index, call in enumerate(answer.calls):
        output += 1
        start = {**_call(telling, index, call.name, ""), "index": index}
        yield Event(_chunk(telling, {"tool_calls": [start]}), output=1, is_word=True)
        for piece in argument_pieces(call):
            output += 1
            part = {"index": index, "function": {"arguments": piece}}
            yield Event(_chunk(telling, {"tool_calls": [part]}), output=1, is_word=True)
    ending = _chunk(telling, {}, finish_reason=_STOPS[answer.stop])
    yield Event(ending, output=answer.billed.output - output)
    if telling.tells_usage:
        last = {**_frame(telling, "chat.completion.chunk"), "choices": []}
        yield Event(_data({**last, "usage": _usage(answer, telling)}))
    yield Event(b"data: [DONE]\n\n")


def _usage(answer: Answer, telling: Telling) -> dict[str, Any]:
    return told(openai_usage(answer.billed, bare=telling.bare), nulls=telling.nulls)


def _chunk(telling: Telling, delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    chunk = {**_frame(telling, "chat.completion.chunk"), "choices": [choice]}
    if telling.tells_usage:
        chunk["usage"] = None
    return _data(chunk)


def _frame(telling: Telling, kind: str) -> dict[str, Any]:
    return {
        "id": telling.id,
        "object": kind,
        "created": int(time.time()),
        "model": telling.question.model,
        "service_tier": "default",
        "system_fingerprint": "fp_wire",
    }


def _call(telling: Telling, index: int, name: str, arguments: str) -> dict[str, Any]:
    id = f"call_{telling.id[-20:]}{telling.question.rounds}{index}"
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def _data(data: dict[str, Any]) -> bytes:
    return b"data: " + to_json(data) + b"\n\n"


def _broken(telling: Telling) -> bytes:
    return _chunk(telling, {"content": " torn"})[:-12] + b"\n\n"


def _stream_error(telling: Telling) -> bytes:
    return _data(_refuse("500", telling.id, None).body)


OPENAI = Protocol(
    name="openai",
    id_prefix="chatcmpl-",
    id_header="x-request-id",
    key_headers=("authorization",),
    read=read_openai,
    refuse=_refuse,
    headers={"openai-version": "2020-10-01", "x-ratelimit-limit-requests": "10000"},
    body=_body,
    events=_events,
    broken=_broken,
    stream_error=_stream_error,
)
