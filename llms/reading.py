"""One answer, put together from the chunks it comes in."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from core.models import new_id
from llms.messages import clean, clean_json
from llms.usage import merge_usage

if TYPE_CHECKING:
    from langchain_core.messages import AIMessageChunk

# How providers say that an answer ends where its limit was, and not where the model was done.
# Mistral's and Anthropic's longer words are for the model's own limit.
CUT = (
    *("length", "max_tokens", "MAX_TOKENS", "max_output_tokens", "incomplete"),
    *("model_length", "model_context_window_exceeded"),
)
# And that they withheld it, or the rest of it, for its content; in capitals: Gemini.
WITHHELD = (
    *("content_filter", "content_filtered", "guardrail_intervened", "refusal"),
    *("BLOCKLIST", "PROHIBITED_CONTENT", "RECITATION", "SAFETY", "SPII"),
)
_ENDS = ("finish_reason", "stop_reason", "stopReason", "done_reason", "status")
_REQUEST_ID_HEADERS = ("x-request-id", "request-id")
_LONGEST = 200


class Reading:
    """What has come so far. (Chunk + chunk, LangChain's way, costs more the longer it gets.)"""

    __slots__ = (
        "_tell",
        "_text",
        "_thoughts",
        "_tool_chunks",
        "finish_reason",
        "first_ns",
        "last_s",
        "provider_kind",
        "provider_request_id",
        "quiet",
        "received",
        "sent",
        "served_model",
        "usage",
    )

    def __init__(self, provider_kind: str, tell: Callable[[str, Any], None]) -> None:
        """`tell(text, kind)` is called with every piece, until `quiet` is set."""
        self._tell = tell
        self._text: list[str] = []
        self._thoughts: list[str] = []
        self._tool_chunks: list[Any] = []
        self.provider_kind = provider_kind
        self.usage: Mapping[str, Any] | None = None
        self.finish_reason = self.served_model = self.provider_request_id = ""
        self.first_ns: int | None = None
        self.last_s = time.monotonic()
        self.sent = self.received = self.quiet = False

    @property
    def text(self) -> str:
        return "".join(self._text)

    @property
    def reasoning(self) -> str:
        return "".join(self._thoughts)

    @property
    def calls_tools(self) -> bool:
        """Whether it began to call any."""
        return bool(self._tool_chunks)

    @property
    def tool_calls(self) -> list[dict[str, Any]]:
        """Calls that can be read, as `{id, name, args}`.

        Results are told apart by the ids, so one that is missing, or has come before, is a new one.
        LangChain's own reading ends what breaks off where it breaks off: `{"amount": 100` of 1000.
        """
        parts = self._tool_parts()
        told = [part["id"] or "" for part in parts]
        ids = [id if id and id not in told[:place] else _call_id() for place, id in enumerate(told)]
        calls = [
            {"id": id, "name": part["name"], "args": _arguments(part["args"])}
            for id, part in zip(ids, parts, strict=True)
        ]
        return [clean_json(call) for call in calls if call["name"] and call["args"] is not None]

    @property
    def garbles_calls(self) -> bool:
        """Whether a call of it cannot be read."""
        return len(self.tool_calls) < len(self._tool_parts())

    def _tool_parts(self) -> Sequence[Any]:
        """Each call with its arguments as text, put together of its pieces."""
        if not self._tool_chunks:
            return []
        from langchain_core.messages.ai import add_ai_message_chunks

        return add_ai_message_chunks(*self._tool_chunks).tool_call_chunks

    @property
    def tool_text(self) -> str:
        """The streamed text of tool calls, to measure what cannot be counted."""
        return "".join(
            f"{part.get('name') or ''}{part.get('args') or ''}"
            for chunk in self._tool_chunks
            for part in chunk.tool_call_chunks
        )

    @property
    def is_whole(self) -> bool:
        """The provider has said how the answer ended and what it used: nothing more can come."""
        return bool(self.finish_reason) and self.usage is not None

    def take(self, chunk: "AIMessageChunk") -> None:
        """Take one chunk, or the one message of an answer that is not streamed."""
        self.last_s = time.monotonic()
        self.received = True
        content = chunk.content
        if content.__class__ is str:
            if content:
                self._take_text(content)
        elif content:
            self._take_blocks(content)
        if chunk.additional_kwargs:
            self._take_thoughts(chunk.additional_kwargs.get("reasoning_content"))
        if chunk.tool_calls or chunk.invalid_tool_calls:
            self._started()
            self._tool_chunks.append(_as_chunk(chunk))
        if chunk.usage_metadata is not None:
            self.usage = merge_usage(self.usage, chunk.usage_metadata, self.provider_kind)
        if chunk.response_metadata:
            self._take_metadata(chunk.response_metadata)

    def _started(self) -> None:
        if self.first_ns is None:
            self.first_ns = time.perf_counter_ns()

    def _take_text(self, text: str) -> None:
        self._started()
        text = clean(text)
        self._text.append(text)
        if not self.quiet:
            self._tell(text, "text")

    def _take_thoughts(self, text: Any) -> None:
        if not isinstance(text, str) or not text:
            return
        self._started()
        text = clean(text)
        self._thoughts.append(text)
        if not self.quiet:
            self._tell(text, "reasoning")

    def _take_blocks(self, blocks: Any) -> None:
        """Content in parts, as Anthropic and OpenAI's Responses API give it."""
        for block in blocks:
            if isinstance(block, str):
                self._take_text(block)
                continue
            if block.get("text") and block.get("type") in ("text", "output_text"):
                self._take_text(block["text"])
            self._take_thoughts(block.get("thinking") or block.get("reasoning"))
            for part in block.get("summary") or ():
                self._take_thoughts(part.get("text"))

    def _take_metadata(self, metadata: Mapping[str, Any]) -> None:
        for name in _ENDS:
            if end := metadata.get(name):
                self.finish_reason = clean(str(end))[:64]
                break
        if model := metadata.get("model_name") or metadata.get("model"):
            self.served_model = clean(str(model))[:_LONGEST]
        if found := metadata.get("id"):
            self.provider_request_id = clean(str(found))[:_LONGEST]
        for name in _REQUEST_ID_HEADERS:
            if found := (metadata.get("headers") or {}).get(name):
                self.provider_request_id = clean(str(found))[:_LONGEST]


def _as_chunk(message: Any) -> "AIMessageChunk":
    """The calls of it and nothing else: what is beside them need not fit together."""
    from langchain_core.messages import AIMessageChunk

    if isinstance(message, AIMessageChunk):
        return AIMessageChunk(content="", tool_call_chunks=message.tool_call_chunks)
    return AIMessageChunk(
        content="", tool_calls=message.tool_calls, invalid_tool_calls=message.invalid_tool_calls
    )


def _call_id() -> str:
    """In the form that Mistral wants, and others take."""
    return new_id().hex[-9:]


def _arguments(text: str | None) -> dict[str, Any] | None:
    """None: they cannot be read."""
    try:
        found = json.loads(text or "{}", strict=False)
        json.dumps(found, allow_nan=False)  # no row holds NaN or 1e999
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
