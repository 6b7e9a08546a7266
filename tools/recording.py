"""Straight to the database: the ledger of calls that belong to no run."""

import asyncio
from types import TracebackType
from typing import Self

from django.db import transaction

from core.bulk import insert_rows, update_rows
from core.database import database
from tools.ledger import ToolCallRecord
from tools.models import ToolCall


class DatabaseRecorder:
    """Implements `tools.ledger.ToolRecorder`. Left as a context, everything is committed."""

    def __init__(self) -> None:
        self._writes: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._writes:
            await asyncio.shield(asyncio.gather(*self._writes))

    def recorded(self, node: str, visit: int, call_index: int) -> ToolCallRecord | None:
        """Nothing is made twice outside a run."""
        return None

    def attempts(self, node: str, visit: int, call_index: int) -> int:
        return 0

    async def opened(self, call: ToolCallRecord) -> None:
        self._writes.append(asyncio.create_task(database.run(_insert, call.opened_row())))
        await asyncio.shield(self._writes[-1])

    def settled(self, call: ToolCallRecord) -> None:
        self._writes.append(asyncio.create_task(self._update(call, self._writes[-1])))

    async def _update(self, call: ToolCallRecord, insertion: asyncio.Task[None]) -> None:
        """After the insertion, which a cancelled caller has not waited for."""
        await insertion
        await database.run(_update, call.settled_row())


@transaction.atomic
def _insert(row: dict[str, object]) -> None:
    insert_rows(ToolCall, [row])


@transaction.atomic
def _update(row: dict[str, object]) -> None:
    update_rows(ToolCall, [row])
