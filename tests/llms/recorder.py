"""A ledger in memory that insists on the order of things."""

import asyncio
from collections.abc import Callable
from typing import Any

from core.bulk import insert_rows, update_rows
from llms.ledger import CallRecord, Kind
from llms.models import ModelCall


class Recorder:
    """Keeps rows as the real one would commit them: opened, then settled, each once."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.calls: list[CallRecord] = []
        self.pieces: list[tuple[int, str, str]] = []
        self.retries_in_s: list[float | None] = []
        self.known: CallRecord | None = None
        self.earlier_attempts = 0
        self.opening: Callable[[], Any] | None = None
        self.on_piece: Callable[[], Any] | None = None
        self.opened_count = 0

    def recorded(self, node: str, visit: int, call_index: int) -> CallRecord | None:
        return self.known

    def attempts(self, node: str, visit: int, call_index: int) -> int:
        return self.earlier_attempts

    async def opened(self, call: CallRecord, lengths: Any = None) -> None:
        assert call.status == "open"
        assert call.settled_at is None
        self.opened_count += 1
        self.rows.append(call.row())
        if self.opening:
            await self.opening()
        else:
            await asyncio.sleep(0)

    def streamed(self, call: CallRecord, text: str, kind: Kind) -> None:
        assert call.status == "open", "a piece after the end"
        assert text
        self.pieces.append((call.attempt, text, kind))
        if self.on_piece:
            self.on_piece()

    def settled(self, call: CallRecord, *, will_retry_in_s: float | None = None) -> None:
        opened = next(row for row in self.rows if row["id"] == call.id)
        assert opened["settled_at"] is None, "settled twice"
        assert call.status != "open"
        assert call.settled_at is not None
        settled = call.settled_row()
        assert opened.keys() >= settled.keys()
        opened.update(settled)
        assert opened == call.row(), "settling changed what is fixed when a call is opened"
        self.calls.append(call)
        self.retries_in_s.append(will_retry_in_s)

    def answered(self, call: CallRecord) -> None:
        assert (call.total_tokens, call.cost_nano_usd) == (0, 0)
        self.rows.append(call.row())
        self.calls.append(call)

    @property
    def call(self) -> Any:
        """The only call there was."""
        assert len(self.calls) == len(self.rows) == 1
        return self.calls[0]

    def text(self, kind: Kind = "text", attempt: int = 1) -> str:
        return "".join(text for at, text, what in self.pieces if (at, what) == (attempt, kind))

    def save(self) -> None:
        """Write the rows as the group-commit writer does: all opened, then those settled."""
        insert_rows(ModelCall, [{**row, **_OPEN} for row in self.rows])
        settled = [{**call.settled_row(), "price_id": None} for call in self.calls]
        if settled:
            update_rows(ModelCall, settled)
        for row in ModelCall.objects.values():
            expected = next(kept for kept in self.rows if kept["id"] == row["id"])
            assert row == {**expected, "price_id": None}


_OPEN = {"status": "open", "exactness": "open", "settled_at": None, "price_id": None}
