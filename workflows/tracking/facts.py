"""What the writer writes: kinds of facts, each written for a whole group at once.

A unit is what must be committed together; facts of one kind from all units of a group become one
statement. `rank` orders the kinds: parents before children.
"""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self
from uuid import UUID

from audit.record import Entry, record_many
from budgets.amounts import Need
from budgets.booking import book
from core import clock
from core.bulk import insert_gathered, insert_rows, update_rows
from llms.bounding import Lengths
from llms.budgeting import NOTHING_USED, use_of
from llms.ledger import CallRecord
from llms.models import ModelCall
from llms.signals import model_calls_settled
from tools.ledger import ToolCallRecord
from tools.models import ToolCall
from tools.signals import tool_calls_settled
from workflows.models import (
    ExecutionEvent,
    ExecutionStatus,
    IdempotencyKey,
    WorkflowExecution,
    sources_of,
)
from workflows.tracking.frames import Frame, group_of, group_of_user


class Fact(ABC):
    """Something that happened, to be written with others of its kind."""

    rank: ClassVar[int]

    @classmethod
    @abstractmethod
    def write(cls, facts: Sequence[Self]) -> None:
        """Write them all, in the caller's transaction; may be called again after a roll-back."""


@dataclass(slots=True)
class Line:
    """The units of one run: once one of them fails, those behind it are refused, so no gap opens.

    `lease` is the execution and the attempt that must still own it. `on_break` is called in the
    writer's thread. `request_id` is for its log.
    """

    lease: tuple[UUID, int]
    on_break: Callable[[Exception], None] | None = None
    broken: Exception | None = None
    request_id: str = ""


@dataclass(slots=True)
class Unit:
    """Facts that are committed together or not at all.

    `on_commit` is called in the writer's thread, before those who watch and wait are told.
    """

    facts: Sequence[Fact]
    line: Line | None = None
    on_commit: Callable[[], None] | None = None
    waiter: asyncio.Future[None] | None = None
    error: Exception | None = None
    made_at: float = field(default_factory=time.monotonic)

    def failed(self, error: Exception) -> None:
        """It was not written, and never will be."""
        self.error = error
        if self.line is not None and self.line.broken is None:
            self.line.broken = error
            if self.line.on_break is not None:
                self.line.on_break(error)

    def wake_waiter(self) -> None:
        """Called in the waiter's loop once the unit is committed or has failed."""
        if self.waiter is None or self.waiter.done():
            return
        if self.error is None:
            self.waiter.set_result(None)
        else:
            self.waiter.set_exception(self.error)
            self.waiter.exception()  # told: who waited may have gone, and the writer has logged it

    def frames_by_group(self) -> Iterator[tuple[str, Sequence[Frame]]]:
        """What watchers are handed, by the group they listen to."""
        for fact in self.facts:
            if isinstance(fact, EventsHappened):
                yield group_of(fact.execution_id), fact.frames
                yield group_of_user(fact.user_id), fact.frames
                if fact.serial_key:
                    yield group_of(fact.serial_key), fact.frames


@dataclass(slots=True)
class ExecutionWanted(Fact):
    """A new execution, and the idempotency key that stands for it."""

    rank: ClassVar[int] = 20
    row: dict[str, Any]
    key: dict[str, Any] | None = None

    @classmethod
    def write(cls, facts: Sequence[Self]) -> None:
        insert_gathered(WorkflowExecution, [fact.row for fact in facts])
        insert_gathered(IdempotencyKey, [fact.key for fact in facts if fact.key is not None])


@dataclass(slots=True)
class HandedBack(Fact):
    """The owner gives an execution back, unfinished."""

    rank: ClassVar[int] = 55
    execution_id: UUID

    @classmethod
    def write(cls, facts: Sequence[Self]) -> None:
        WorkflowExecution.objects.filter(
            pk__in=[fact.execution_id for fact in facts],
            status__in=sources_of(ExecutionStatus.PENDING),
        ).update(status=ExecutionStatus.PENDING, lease_owner="", lease_expires_at=None)


@dataclass(slots=True)
class CallBooked(Fact):
    """What a model call needs of budgets before it is made; without `need`, that it is over.

    One kind of fact, for all budgets of a group are locked at once. Once this is written, `refusal`
    says why the call may not be made, `answer` how many tokens the answer may have, if not as many
    as were asked for.
    """

    rank: ClassVar[int] = 29
    call: CallRecord
    need: Need | None = None
    lengths: Lengths | None = None
    refusal: str = ""
    answer: int | None = None

    @classmethod
    def write(cls, facts: Sequence[Self]) -> None:
        needs = [fact.need for fact in facts if fact.need is not None]
        booked = book(needs, [use_of(fact.call) for fact in facts if fact.need is None])
        for fact in facts:
            fact.refusal = booked.refused.get(fact.call.id, "") if fact.need else ""
            fact.answer = booked.answers.get(fact.call.id) if fact.need else None

    def columns(self) -> dict[str, Any]:
        """What the row of the call has to say otherwise for it."""
        if self.refusal:
            return NOTHING_USED
        if self.answer is None or self.lengths is None:
            return {}
        return self.lengths.columns_with(self.call.parameters, self.answer)


@dataclass(slots=True)
class CallOpened(Fact):
    """A model is about to be called, if budgets allow: `row` is as it was then.

    The call may be over before this is written, and of one that is over no bound is known.
    """

    rank: ClassVar[int] = 30
    row: dict[str, Any]
    booked: CallBooked

    @classmethod
    def write(cls, facts: Sequence[Self]) -> None:
        insert_rows(ModelCall, [{**fact.row, **fact.booked.columns()} for fact in facts])


@dataclass(slots=True)
class CallSettled(Fact):
    """A model call is over."""

    rank: ClassVar[int] = 40
    call: CallRecord

    @classmethod
    def write(cls, facts: Sequence[Self]) -> None:
        update_rows(ModelCall, [fact.call.settled_row() for fact in facts])
        model_calls_settled.send(sender=ModelCall, calls=[fact.call.row() for fact in facts])


@dataclass(slots=True)
class CallAnswered(Fact):
    """A call that was answered without asking a provider: its row is written settled."""

    rank: ClassVar[int] = 35
    call: CallRecord

    @classmethod
    def write(cls, facts: Sequence[Self]) -> None:
        rows = [fact.call.row() for fact in facts]
        insert_rows(ModelCall, rows)
        model_calls_settled.send(sender=ModelCall, calls=rows)


@dataclass(slots=True)
class ToolCallAnswered(Fact):
    """The same of a tool."""

    rank: ClassVar[int] = 36
    call: ToolCallRecord

    @classmethod
    def write(cls, facts: Sequence[Self]) -> None:
        rows = [fact.call.row() for fact in facts]
        insert_rows(ToolCall, rows)
        tool_calls_settled.send(sender=ToolCall, calls=rows)


@dataclass(slots=True)
class ToolCallOpened(Fact):
    """A tool is about to be called."""

    rank: ClassVar[int] = 31
    call: ToolCallRecord

    @classmethod
    def write(cls, facts: Sequence[Self]) -> None:
        insert_rows(ToolCall, [fact.call.opened_row() for fact in facts])


@dataclass(slots=True)
class ToolCallSettled(Fact):
    """A tool call is over."""

    rank: ClassVar[int] = 41
    call: ToolCallRecord

    @classmethod
    def write(cls, facts: Sequence[Self]) -> None:
        update_rows(ToolCall, [fact.call.settled_row() for fact in facts])
        tool_calls_settled.send(sender=ToolCall, calls=[fact.call.row() for fact in facts])


@dataclass(slots=True)
class EventsHappened(Fact):
    """Consecutive events of one execution."""

    rank: ClassVar[int] = 60
    execution_id: UUID
    user_id: UUID
    serial_key: str = ""
    frames: list[Frame] = field(default_factory=list)

    @classmethod
    def write(cls, facts: Sequence[Self]) -> None:
        frames: dict[UUID, list[Frame]] = {}
        for fact in facts:
            frames.setdefault(fact.execution_id, []).extend(fact.frames)
        now = clock.now()
        rows = [
            {
                "execution_id": execution_id,
                "seq": of_one[-1].seq,
                "frames": "\n".join(frame.text for frame in of_one),
                "created_at": now,
            }
            for execution_id, of_one in frames.items()
            if of_one
        ]
        insert_gathered(ExecutionEvent, rows)


@dataclass(slots=True)
class Audited(Fact):
    """An entry of the audit trail."""

    rank: ClassVar[int] = 90
    entry: Entry

    @classmethod
    def write(cls, facts: Sequence[Self]) -> None:
        record_many([fact.entry for fact in facts])
