"""What a server's tool gave, as text for the model and JSON for the workflow."""

import json
from collections.abc import Iterable
from typing import Any

from tools.base import ToolFailed, ToolResult

MAX_TEXT = 50_000
MAX_DATA = 100_000
_CUT = "\n[…cut here]"


def result_of(answer: Any) -> ToolResult:
    """A `CallToolResult` within limits. Raises ToolFailed with what the tool said went wrong."""
    text = _bounded("\n".join(_text_of(block) for block in answer.content))
    if answer.isError:
        raise ToolFailed(reason=text or "The tool failed, and did not say why.")
    data = answer.structuredContent
    if data is None:
        return ToolResult(text)
    as_json = json.dumps(data, ensure_ascii=False)
    if len(as_json) > MAX_DATA:
        note = f"[structured content of {len(as_json)} characters, too large to keep]"
        return ToolResult(f"{text}\n{note}".strip())
    return ToolResult(text or _bounded(as_json), data)


def _bounded(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + _CUT


def _text_of(block: Any) -> str:
    """Text as it is; of anything else, that it was there."""
    if block.type == "text":
        return str(block.text)
    if block.type in ("image", "audio"):
        return f"[{block.type}, {block.mimeType}, {_size(block.data)} bytes, not shown]"
    if block.type == "resource_link":
        return f"[resource {block.name}: {block.uri}]"
    if block.type == "resource":
        return "".join(_resource(block.resource))
    return f"[{block.type}, not shown]"


def _resource(resource: Any) -> Iterable[str]:
    kind = resource.mimeType or "unknown type"
    if (text := getattr(resource, "text", None)) is not None:
        yield f"[resource {resource.uri}, {kind}]\n{text}"
    else:
        yield f"[resource {resource.uri}, {kind}, {_size(resource.blob)} bytes, not shown]"


def _size(base64: str) -> int:
    return len(base64) * 3 // 4
