"""What the API says of tools and their calls."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator

from core.origins import execution_of
from core.shapes import Shape
from tools.base import Tool
from tools.keeping import storable
from tools.models import ToolCall
from tools.request import ToolAnswer

Text = Annotated[str, AfterValidator(storable)]


class ToolStatistics(Shape):
    """The calls of the last 30 days that you may see; latency is of the successful ones."""

    calls: int = 0
    succeeded: int = 0
    refused: int = 0
    failed: int = 0
    mean_latency_ms: float | None = None
    last_called_at: datetime | None = None


class ToolOut(Shape):
    """A tool; `parameters` is the JSON schema of its arguments, `server` its MCP server."""

    key: str
    label: str
    server: str | None
    description: str
    scopes: list[str]
    timeout_s: float
    parameters: dict[str, Any]
    statistics: ToolStatistics


class ToolErrorOut(Shape):
    code: str
    message: str


class ToolAnswerOut(Shape):
    """The answer to a trial call; `call` is its row in the ledger."""

    call: UUID
    status: str
    text: str
    data: Any
    error: ToolErrorOut | None


class ToolCallListed(Shape):
    """One call, without what the tool found; `source_call` is the one that was really made."""

    id: UUID
    execution: UUID | None
    tool: str
    node: str
    visit: int
    call_index: int
    attempt: int
    arguments: Any
    status: str
    error: ToolErrorOut | None
    answered_by: str
    source_call: UUID | None
    latency_ms: int | None
    started_at: datetime
    settled_at: datetime | None
    request_id: str


class ToolCallOut(ToolCallListed):
    """One call; `text` and `data` are what the tool found."""

    text: str
    data: Any


def tool_out(tool: Tool[Any], statistics: Mapping[str, Mapping[str, Any]]) -> ToolOut:
    return ToolOut(
        key=tool.key,
        label=tool.label,
        server=tool.server or None,
        description=tool.description,
        scopes=list(tool.scopes),
        timeout_s=tool.timeout_s,
        parameters=tool.spec()["parameters"],
        statistics=ToolStatistics(**statistics.get(tool.key, {})),
    )


def answer_out(answer: ToolAnswer) -> ToolAnswerOut:
    return ToolAnswerOut(
        call=answer.call_id,
        status=answer.status,
        text=answer.text,
        data=answer.data,
        error=_error(answer.error, answer.message),
    )


def listed_call(call: ToolCall) -> ToolCallListed:
    return ToolCallListed(**_listed(call))


def call_out(call: ToolCall) -> ToolCallOut:
    return ToolCallOut(**_listed(call), text=call.text, data=call.data)


def _listed(call: ToolCall) -> dict[str, Any]:
    return {
        "id": call.id,
        "execution": execution_of(call.origin),
        "tool": call.tool,
        "node": call.node,
        "visit": call.visit,
        "call_index": call.call_index,
        "attempt": call.attempt,
        "arguments": call.arguments,
        "status": call.status,
        "error": _error(call.error_code, call.error_message),
        "answered_by": call.answered_by,
        "source_call": call.source_call_id,
        "latency_ms": call.latency_ms,
        "started_at": call.started_at,
        "settled_at": call.settled_at,
        "request_id": call.request_id,
    }


def _error(code: str, message: str) -> ToolErrorOut | None:
    return ToolErrorOut(code=code, message=message) if code else None
