"""A tool call on its way into the ledger, and the interface of whatever writes it there."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from operator import attrgetter
from typing import Any, Protocol
from uuid import UUID

from core import clock
from tools.models import ToolAnsweredBy, ToolCallStatus


@dataclass(slots=True)
class ToolCallRecord:
    """The columns of a ToolCall; `ToolCallRecord(**row)` reads a row of `.values()`."""

    id: UUID
    created_at: datetime
    origin: str
    user_id: UUID | None
    tool: str
    node: str
    visit: int
    call_index: int
    attempt: int
    arguments: Any
    started_at: datetime
    request_id: str = ""
    answered_by: str = ToolAnsweredBy.TOOL
    source_call_id: UUID | None = None
    # What settling changes:
    status: str = ToolCallStatus.OPEN
    text: str = ""
    data: Any = None
    error_code: str = ""
    error_message: str = ""
    settled_at: datetime | None = None
    latency_ms: int | None = None

    def row(self) -> dict[str, Any]:
        """Every column as it stands."""
        return dict(zip(_COLUMNS, _values_of(self), strict=True))

    def opened_row(self) -> dict[str, Any]:
        """The row to insert before the tool is called, even if it was settled meanwhile."""
        return {**self.row(), **_UNSETTLED}

    def settled_row(self) -> dict[str, Any]:
        """The primary key and what settling changed; the same keys for every call."""
        return dict(zip(_SETTLED_COLUMNS, _settled_values_of(self), strict=True))

    def settle(self, status: str, code: str = "", message: str = "") -> None:
        """Give the call its last state, now."""
        self.status, self.error_code, self.error_message = status, code, message
        self.settled_at = clock.now()
        took_s = (self.settled_at - self.started_at).total_seconds()
        self.latency_ms = max(round(took_s * 1000), 0)

    def answered(self, call: "ToolCallRecord") -> "ToolCallRecord":
        """The row of `call` as this one ended, without calling the tool; nobody was waited for."""
        return replace(
            call,
            answered_by=ToolAnsweredBy.RECORDING,
            source_call_id=self.source_call_id or self.id,
            status=self.status,
            text=self.text,
            data=self.data,
            error_code=self.error_code,
            error_message=self.error_message,
            settled_at=clock.now(),
            latency_ms=None,
        )


_COLUMNS = tuple(field.name for field in fields(ToolCallRecord))
_SETTLING = _COLUMNS[_COLUMNS.index("status") :]
_SETTLED_COLUMNS = ("id", *_SETTLING)
_UNSETTLED = {
    field.name: field.default for field in fields(ToolCallRecord) if field.name in _SETTLING
}
_values_of = attrgetter(*_COLUMNS)
_settled_values_of = attrgetter(*_SETTLED_COLUMNS)


def lost_row(call_row: Mapping[str, Any]) -> dict[str, Any]:
    """Settle an open row whose process died: nobody knows whether the tool had done its work.

    Has the keys of `ToolCallRecord.settled_row()`.
    """
    settled = {name: call_row[name] for name in _SETTLED_COLUMNS}
    return settled | {
        "status": ToolCallStatus.LOST,
        "settled_at": clock.now(),
        "error_code": "call_lost",
        "error_message": "The process that made this call ended before the tool had answered.",
    }


class ToolRecorder(Protocol):
    """Who writes the ledger, and knows what it holds of one execution already."""

    def recorded(self, node: str, visit: int, call_index: int) -> ToolCallRecord | None:
        """A call that was answered (one of `ANSWERED`), with a result or an error.

        It is answered from its row; one that was cancelled or lost is made again.
        """

    def attempts(self, node: str, visit: int, call_index: int) -> int:
        """How many rows this key has already."""

    async def opened(self, call: ToolCallRecord) -> None:
        """Return once the open row is committed. When this raises, no tool is called.

        The row must be on its way before this first suspends, so that a cancelled wait can be
        followed by `settled`.
        """

    def settled(self, call: ToolCallRecord) -> None:
        """The call has its last state; its row is committed with the next group."""
