"""An answer in one piece where a stream was asked for, as some gateways give it."""

import json
from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any


async def as_stream(response: Any) -> None:
    """A hook of httpx: OpenAI's client reads it as it reads a stream.

    It overlooks all that is no event: the answer, which was paid for, would be asked for again.
    Lines of JSON, as Ollama streams them, are of another type.
    """
    if response.is_success and _is_json(response.headers.get("content-type", "")):
        response.aiter_bytes = partial(_events, response.aiter_bytes, response.request)


def _is_json(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == "application/json"


async def _events(chunks: Any, request: Any, *args: Any, **options: Any) -> AsyncIterator[bytes]:
    """What begins as JSON does, and no event, is read to its end first."""
    is_whole, whole = None, bytearray()
    async for chunk in chunks(*args, **options):
        if is_whole is None and (begin := chunk.lstrip()):
            is_whole = begin.startswith(b"{")
        if is_whole:
            whole += chunk
        else:
            yield chunk
    if whole:
        yield _event(bytes(whole), request)


def _event(whole: bytes, request: Any) -> bytes:
    """As the only event of a stream; itself where none was asked for, or it is nothing we know."""
    try:
        asked_for = json.loads(request.content).get("stream")
        chunk = _as_chunk(json.loads(whole)) if asked_for else None
    except (AttributeError, TypeError, ValueError, RecursionError):
        chunk = None
    if chunk is None:
        return whole
    return f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n".encode()


def _as_chunk(answer: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """None: it is neither an error nor an answer of chat completions."""
    if answer.get("error"):
        return answer
    if not (choices := answer.get("choices")):
        return None
    return {**answer, "choices": [_as_delta(choice) for choice in choices]}


def _as_delta(choice: Mapping[str, Any]) -> dict[str, Any]:
    """Its calls of tools are numbered, as those of a stream are."""
    message = choice["message"]
    calls = [{**call, "index": at} for at, call in enumerate(message.get("tool_calls") or ())]
    return {**choice, "delta": {**message, "tool_calls": calls}}
