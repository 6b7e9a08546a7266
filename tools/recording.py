"""Straight to the database: the ledger of calls that belong to no run."""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from django.db import transaction

from audit.record import record_many
from core import clock
from core.bulk import insert_rows
from core.database import database
from core.idempotency import KEPT
from tools.ledger import ToolCallRecord
from tools.models import ANSWERED, ToolCall
from tools.refusals import egress_refused


class DatabaseRecorder:
    """Implements `tools.ledger.ToolRecorder`. Left as a context, everything is committed.

    `past` is what came of the same call before; an answer is given again for a day.
    """

    def __init__(self, past: Sequence[ToolCallRecord] = ()) -> None:
        self._past = past
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
        since = clock.now() - KEPT
        answered = (call for call in self._past if call.status in ANSWERED)
        return next((call for call in answered if call.created_at > since), None)

    def attempts(self, node: str, visit: int, call_index: int) -> int:
        return max((call.attempt for call in self._past), default=0)

    async def opened(self, call: ToolCallRecord) -> None:
        self._writes.append(asyncio.create_task(database.run(_insert, call.opened_row())))
        await asyncio.shield(self._writes[-1])

    def settled(self, call: ToolCallRecord) -> None:
        self._writes.append(asyncio.create_task(self._update(call, self._writes[-1])))

    async def _update(self, call: ToolCallRecord, insertion: asyncio.Task[None]) -> None:
        """After the insertion, which a cancelled caller has not waited for."""
        await insertion
        await database.run(_settle, call)


@transaction.atomic
def _settle(call: ToolCallRecord) -> None:
    ToolCall.objects.settle(call.row())
    if refused := egress_refused(call):
        record_many([refused])


@transaction.atomic
def _insert(row: dict[str, object]) -> None:
    insert_rows(ToolCall, [row])
