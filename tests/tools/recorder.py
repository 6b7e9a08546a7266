"""A ledger in memory that insists on the order of things."""

import asyncio
from collections.abc import Callable
from typing import Any

from tools.base import Tool
from tools.ledger import ToolCallRecord
from tools.request import ToolRefused


class Recorder:
    """Keeps rows as the real one would commit them: opened, then settled, each once."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.calls: list[ToolCallRecord] = []
        self.known: ToolCallRecord | None = None
        self.earlier_attempts = 0
        self.opening: Callable[[], Any] | None = None

    def recorded(self, node: str, visit: int, call_index: int) -> ToolCallRecord | None:
        return self.known

    def attempts(self, node: str, visit: int, call_index: int) -> int:
        return self.earlier_attempts

    async def opened(self, call: ToolCallRecord) -> None:
        assert (call.status, call.settled_at) == ("open", None)
        self.rows.append(call.opened_row())
        if self.opening:
            await self.opening()
        else:
            await asyncio.sleep(0)

    def settled(self, call: ToolCallRecord) -> None:
        opened = next(row for row in self.rows if row["id"] == call.id)
        assert opened["settled_at"] is None, "settled twice"
        assert call.status != "open"
        assert call.settled_at is not None
        opened.update(call.settled_row())
        assert opened == call.row(), "settling changed what is fixed when a call is opened"
        self.calls.append(call)

    @property
    def call(self) -> ToolCallRecord:
        """The only call there was."""
        assert len(self.calls) == len(self.rows) == 1
        return self.calls[0]


class Willing:
    """Permits everything, and remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def refusal(self, tool: Tool[Any], call: ToolCallRecord) -> ToolRefused | None:
        self.asked.append(tool.key)
        return None


class Unwilling(Willing):
    async def refusal(self, tool: Tool[Any], call: ToolCallRecord) -> ToolRefused | None:
        await super().refusal(tool, call)
        return ToolRefused("tool_denied", "Not you.")
