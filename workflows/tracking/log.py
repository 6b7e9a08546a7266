"""Tails the event log of an execution: the one reader behind sockets, SSE and the waiting call.

Watchers are handed what was just committed; whatever is missing (a gap, a late join, a lost ring,
long news of another process) is read from the table.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from uuid import UUID

from django.conf import settings

from core.database import database
from core.events import Listener, bell
from core.outlets import Room
from workflows.models import ExecutionEvent, WorkflowExecution
from workflows.tracking.frames import Frame, frame_from, group_of


def read_log(execution_id: UUID, after: int = 0, room: Room | None = None) -> list[Frame]:
    """The events numbered above `after`, in order; with `room`, until it is full."""
    frames: list[Frame] = []
    for row in ExecutionEvent.objects.after(execution_id, after).iterator():
        for frame in map(frame_from, row.frames.split("\n")):
            if frame.seq > after:
                frames.append(frame)
                if room is not None:
                    room.take(frame.text)
        if room is not None and room.full:
            break
    return frames


class Tail:
    """Use as `with Tail(id, after) as tail: async for frame in tail.frames()`.

    Entering listens; so with `unborn` a tail can be opened before the execution is committed, and
    the first events arrive without a read. With `only`, it is not woken for events of other types,
    and does not give all of them.
    """

    def __init__(
        self,
        execution_id: UUID,
        after: int = 0,
        *,
        unborn: bool = False,
        only: Collection[str] = (),
    ) -> None:
        self.execution_id = execution_id
        self.seen = after
        self._only = only
        self._born = self._read_first = not unborn
        wanted = self._is_wanted if only else None
        self._listener = Listener(bell, group_of(execution_id), wanted, read=frame_from)

    def open(self) -> "Tail":
        self._listener.__enter__()
        return self

    def close(self) -> None:
        self._listener.__exit__()

    def __enter__(self) -> "Tail":
        return self.open()

    def __exit__(self, *_: object) -> None:
        self.close()

    async def frames(self) -> AsyncIterator[Frame]:
        """k+1, k+2 … each exactly once; ends after the terminal event."""
        async for group in self.groups():
            for frame in group:
                yield frame

    async def groups(self) -> AsyncIterator[Sequence[Frame]]:
        """The same, as they were committed together; nothing, where nothing came for a while."""
        while True:
            frames = await self._next()
            if frames:
                self.seen = frames[-1].seq
                yield frames
                if frames[-1].last:
                    return
            elif await database.run(self._over):
                return
            else:
                yield ()

    async def _next(self) -> Sequence[Frame]:
        while not self._read_first:
            handed = await self._listener.wait(settings.CHATTER_POLL_S)
            frames = [frame for frame in handed if frame.seq > self.seen]
            if frames and (self._only or frames[0].seq == self.seen + 1):
                self._born = True
                return frames
            if frames or not handed:
                break
        self._read_first = False
        return await database.run(read_log, self.execution_id, self.seen)

    def _is_wanted(self, frame: Frame) -> bool:
        return frame.type in self._only

    def _over(self) -> bool:
        """Whether nothing will follow: it ended and all was seen, or it is gone."""
        row = (
            WorkflowExecution.objects.filter(pk=self.execution_id)
            .values_list("finished_at")
            .first()
        )
        if row is None:
            return self._born
        self._born = True
        return (
            row[0] is not None
            and not ExecutionEvent.objects.after(self.execution_id, self.seen).exists()
        )
