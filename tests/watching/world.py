"""Executions that happen, and people who watch them through a line that is slow, or cut."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self
from uuid import UUID

from accounts.models import User
from conversations.models import Conversation
from core import clock
from core.models import new_id
from workflows.engine.events import TERMINAL_TYPES
from workflows.models import ExecutionStatus, WorkflowExecution, WorkflowVersion
from workflows.tracking.facts import EventsHappened, Fact, Unit
from workflows.tracking.frames import Frame, frame
from workflows.tracking.writer import writer
from workflows.watching.channels import Channel, channels
from workflows.watching.cursor import Cursor, read_cursor
from workflows.watching.feed import Batch
from workflows.watching.patience import patiently
from workflows.watching.positions import Positions

END = TERMINAL_TYPES[ExecutionStatus.COMPLETED]


@dataclass(slots=True)
class Over(Fact):
    """An execution ended: in the commit of its last event, as always."""

    rank: ClassVar[int] = 50
    execution_id: UUID

    @classmethod
    def write(cls, facts: Sequence[Self]) -> None:
        ended = WorkflowExecution.objects.filter(pk__in=[fact.execution_id for fact in facts])
        ended.update(status=ExecutionStatus.COMPLETED, finished_at=clock.now())


@dataclass
class Life:
    """One execution, and all that was committed of it."""

    row: WorkflowExecution
    log: list[Frame] = field(default_factory=list)
    over: bool = False


class World:
    """One person's conversation and what runs in it; ids are made in order, commits come in any."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.talk = Conversation.objects.create(owner=user, title="")
        self.version = WorkflowVersion.objects.create(content_hash=new_id().hex, graph={})
        self.ids = [new_id() for _ in range(40)]
        self.lives: list[Life] = []

    async def begin(self, at: int) -> None:
        """An execution, whose id may have been made before those of others that are there."""
        execution_id = self.ids.pop(at % min(len(self.ids), 4))
        row = await patiently(self._insert, execution_id)
        self.lives.append(Life(row))
        await self.happen(len(self.lives) - 1, 1)

    def _insert(self, execution_id: UUID) -> WorkflowExecution:
        return WorkflowExecution.objects.create(
            id=execution_id,
            user=self.user,
            version=self.version,
            kind="custom",
            serial_key=self.talk.serial_key,
            serial_number=len(self.lives),
        )

    async def happen(self, at: int, count: int, *, last: bool = False) -> None:
        """Some events of one execution, in one commit."""
        running = [life for life in self.lives if not life.over]
        if not running:
            return
        life = running[at % len(running)]
        row = life.row
        kinds = ["node.started"] * (count - last) + [END] * last
        frames = [
            frame(row.id, seq, kind, clock.now(), {"n": seq})
            for seq, kind in enumerate(kinds, start=len(life.log) + 1)
        ]
        life.over = last
        told = EventsHappened(row.id, row.user_id, row.serial_key, frames)
        await writer.commit(Unit([Over(row.id), told] if last else [told]))
        life.log += frames


class Person:
    """Watches a channel; takes what comes, or does not; keeps the id of the last event."""

    def __init__(self, world: World, channel: str, pk: str) -> None:
        self.world, self.pk = world, pk
        self.channel: Channel = channels()[channel]
        self.had: list[Frame] = []
        self.before: dict[UUID, int] = {}
        self.last_id = ""
        self.most_in_line = 0
        self.reads = True
        self._task: asyncio.Task[Any] | None = None

    async def connect(self) -> None:
        """For the first time, or again after the last event that was had."""
        self.line: list[tuple[Frame, str]] = []
        self._free = asyncio.Event()
        self._free.set()
        cursor = self._cursor()
        opening = await patiently(self.channel.open, self.world.user, self.pk, cursor)
        self._task = asyncio.ensure_future(opening.watch(self))

    def _cursor(self) -> Cursor:
        if self.channel.key == "execution":
            return Cursor(int(self.last_id or 0))
        return read_cursor(self.last_id)

    async def cut(self) -> None:
        """What was on the line is lost."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def read(self, count: int) -> None:
        for told, place in self.line[:count]:
            self.had.append(told)
            self.last_id = place
        del self.line[:count]
        if not self.line:
            self._free.set()

    # --- the sink that the server writes to

    @property
    def ready(self) -> bool:
        return len(self.line) < 3

    async def drained(self) -> None:
        await self._free.wait()

    def place(self, positions: Positions, told: Frame) -> str:
        return str(told.seq) if self.channel.key == "execution" else positions.cursor(told)

    def put(self, batch: Batch, places: Sequence[str]) -> None:
        self.line += zip(batch.frames, places, strict=True)
        self.most_in_line = max(self.most_in_line, len(self.line))
        self._free.clear()
        if self.reads:
            self.read(len(self.line))

    def say(self, body: dict[str, Any]) -> None:
        """What is no event: nothing is checked of it."""
