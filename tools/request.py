"""A request to a tool, and its answer: what the one door takes and gives."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from core import clock
from core.errors import ChatterError, Invalid, Refused, TooMany
from tools.ledger import ToolCallRecord

RATE_LIMITED = "tool_rate_limited"
_HOUR_S = 3_600


class UnknownTool(Invalid):
    code = "unknown_tool"
    message = "There is no tool '{tool}'."


class ToolNotOffered(UnknownTool):
    """A model's node names the tools that it may call; what it makes up, it does not get."""

    code = "tool_not_offered"
    message = "The tool '{tool}' was not offered."


class BadArguments(Invalid):
    """`errors` lists `{path, code, message}`."""

    code = "invalid_arguments"
    message = "The arguments are not valid: {told}"


class ToolRefused(Refused):
    """Why this user may not use this tool now; what is counted is counted anew each hour."""

    def __init__(self, code: str, message: str) -> None:
        self.code, self.message = code, message
        Exception.__init__(self, message)
        self.detail: dict[str, Any] = {}
        if code == RATE_LIMITED:
            now = clock.now()
            self.status = TooMany.status
            self.detail = {"retry_after_s": _HOUR_S - now.minute * 60 - now.second}


class ToolTimedOut(ChatterError):
    code = "tool_timed_out"
    status = 504
    message = "The tool did not answer within {limit_s} s."


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """One call to a tool, as a model or a person asks for it.

    `arguments` are JSON as they came; whether they are valid is found out. `timeout_s` replaces the
    tool's own. `by_node` says that a node asks for itself, not for a model: only so are the tools
    reached that are not offered. A call with `offered` false, of a tool that the model was not
    told of, is not made.
    """

    tool: str
    arguments: Any
    origin: str
    user_id: UUID | None
    node: str = ""
    visit: int = 1
    call_index: int = 1
    request_id: str = ""
    timeout_s: float | None = None
    by_node: bool = False
    offered: bool = True


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """What came of a call; `data` is JSON. `error` is a stable code, empty when all went well."""

    call_id: UUID
    status: str
    text: str
    data: Any = None
    error: str = ""
    message: str = ""
    replayed: bool = False

    @classmethod
    def of(cls, call: ToolCallRecord, *, replayed: bool) -> "ToolAnswer":
        """The answer in a settled row."""
        return cls(
            call_id=call.id,
            status=call.status,
            text=call.text,
            data=call.data,
            error=call.error_code,
            message=call.error_message,
            replayed=replayed,
        )

    @property
    def told(self) -> str:
        """What a model is told, whichever way the call ended."""
        return f"Error ({self.error}): {self.message}" if self.error else self.text
