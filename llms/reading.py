"""One answer, put together from the chunks it comes in."""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from llms.messages import clean, clean_json
from llms.usage import merge_usage

if TYPE_CHECKING:
    from langchain_core.messages import AIMessageChunk

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
    def tool_calls(self) -> list[dict[str, Any]]:
        """Calls that are whole, as `{id, name, args}`."""
        if not self._tool_chunks:
            return []
        whole = self._tool_chunks[0]
        for chunk in self._tool_chunks[1:]:
            whole = whole + chunk
        return [
            clean_json({"id": call["id"] or "", "name": call["name"], "args": call["args"]})
            for call in whole.tool_calls
        ]

    @property
    def tool_text(self) -> str:
        """The streamed text of tool calls, to measure what cannot be counted."""
        return "".join(
            f"{part.get('name') or ''}{part.get('args') or ''}"
            for chunk in self._tool_chunks
            for part in getattr(chunk, "tool_call_chunks", None) or chunk.tool_calls
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
        if getattr(chunk, "tool_call_chunks", None) or chunk.tool_calls:
            self._started()
            self._tool_chunks.append(chunk)
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
