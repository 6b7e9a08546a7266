"""What can be watched, as it is read from the tables: one execution, or a series of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from django.db.models import Max

from core import clock
from core.errors import NotFound
from core.outlets import Room
from workflows.models import ExecutionEvent, WorkflowExecution
from workflows.querysets import ExecutionQuerySet
from workflows.tracking.frames import Frame, group_of
from workflows.tracking.log import read_log
from workflows.watching.cursor import Cursor
from workflows.watching.positions import LATE_MS, Positions, id_at, milliseconds_of

_AT_ONCE = 500  # ids in one query
_IN_A_PAGE = 10_000  # ids of executions; of the last minute a page has them all


@dataclass(slots=True)
class Page:
    """What one look at the tables found: `frames` to tell, in order; `more` says: look again.

    `over`: nothing will follow, ever. `begun` are executions heard of for the first time; `low` as
    of `Positions`.
    """

    frames: Sequence[Frame] = ()
    more: bool = False
    over: bool = False
    begun: Iterable[UUID] = ()
    low: UUID | None = field(default=None)

    def begin(self, positions: Positions) -> None:
        """Before the frames are noted."""
        for execution_id in self.begun:
            positions.open.setdefault(execution_id, 0)

    def end(self, positions: Positions) -> None:
        """After they were."""
        if self.low is not None:
            positions.raise_low(self.low)


class Log(Protocol):
    """Read in a database step; `group` is where the bell rings for it.

    `ends`: nothing follows an execution's last event.
    """

    group: str
    ends: bool

    def present(self) -> Positions:
        """Where the log is now: what is committed later comes after it."""

    def read(self, positions: Positions, limit: int) -> Page:
        """The next events, about so many; leaves `positions` alone. Raises NotFound: it is gone."""


class ExecutionLog:
    """The events of one execution."""

    ends = True

    def __init__(self, execution_id: UUID) -> None:
        self.execution_id = execution_id
        self.group = group_of(execution_id)

    def present(self) -> Positions:
        return Positions({self.execution_id: _heads([self.execution_id]).get(self.execution_id, 0)})

    def read(self, positions: Positions, limit: int) -> Page:
        if self.execution_id in positions.over:
            return Page(over=True)
        seen = positions.open.get(self.execution_id, 0)
        room = Room(limit)
        frames = read_log(self.execution_id, seen, room)
        if frames:
            return Page(frames, more=room.full, over=frames[-1].last)
        rows = WorkflowExecution.objects.filter(pk=self.execution_id)
        row = rows.values_list("finished_at").first()
        if row is None:
            raise NotFound
        ended = row[0] is not None
        news = ended and ExecutionEvent.objects.after(self.execution_id, seen).exists()
        return Page(more=news, over=ended and not news)


class SeriesLog:
    """The events of all executions among `rows`, those to come included."""

    ends = False

    def __init__(self, group: str, rows: ExecutionQuerySet) -> None:
        self.group = group
        self._rows = rows

    def present(self) -> Positions:
        now = _now_ms()
        under_way = self.under_way()
        heads = _heads(under_way)
        return self._positions({one: heads.get(one, 0) for one in under_way}, now)

    def from_the_first(self) -> Positions:
        """What is under way is sent from its first event."""
        return self._positions(dict.fromkeys(self.under_way(), 0), _now_ms())

    def after(self, cursor: Cursor) -> Positions | None:
        """Where a client goes on that was here before; None when it names nothing of this log."""
        named = set(self._rows.filter(pk__in=list(cursor.seen)).values_list("pk", flat=True))
        if not named:
            return None
        under_way, heads, newest = self.under_way(), _heads(named), max(named)
        low = id_at(milliseconds_of(newest) - LATE_MS) if cursor.exact else newest
        unnamed = self._ended_since(newest, low) if cursor.full else []
        seen = {one: cursor.seen.get(one, 0) for one in [*under_way, *unnamed, *named]}
        had = {one for one in named - set(under_way) if heads.get(one, 0) <= seen[one]}
        return Positions({one: seen[one] for one in seen if one not in had}, had, low)

    def _ended_since(self, newest: UUID, low: UUID) -> list[UUID]:
        """Of those up to `low`, all that may have ended after the newest began."""
        since = datetime.fromtimestamp((milliseconds_of(newest) - LATE_MS) / 1000, UTC)
        return list(
            self._rows.filter(finished_at__gte=since, id__lte=low).values_list("id", flat=True)
        )

    def under_way(self) -> list[UUID]:
        """In order; asked for it, SQLite looks at all executions of a user there ever were."""
        return sorted(self._rows.under_way().order_by().values_list("id", flat=True))

    def _positions(self, seen: dict[UUID, int], now_ms: int) -> Positions:
        low = id_at(now_ms - LATE_MS)
        ended = self._rows.filter(id__gt=low, finished_at__isnull=False)
        return Positions(seen, set(ended.values_list("id", flat=True)) - set(seen), low)

    def read(self, positions: Positions, limit: int) -> Page:
        """What is known goes first: while that fills a page, nobody looks for what is new."""
        room = Room(limit)
        frames = _next_frames(positions.open, room)
        if room.full:
            return Page(frames, more=True)
        low = id_at(_now_ms() - LATE_MS)
        later = self._rows.order_by("id").values_list("id", flat=True)
        page = list(later.filter(id__gt=positions.low)[:_IN_A_PAGE])
        more = len(page) == _IN_A_PAGE and page[-1] <= low
        if more:
            low = page[-1]
        elif len(page) == _IN_A_PAGE:  # whoever looks again would begin with these again
            page += later.filter(id__gt=page[-1])
        known = positions.open.keys() | positions.over
        begun = [one for one in {*page, *self.under_way()} if one not in known]
        frames += _next_frames(dict.fromkeys(begun, 0), room)
        return Page(frames, more or room.full, begun=begun, low=low)


def _next_frames(seen: dict[UUID, int], room: Room) -> list[Frame]:
    frames: list[Frame] = []
    heads = _heads(seen)
    for execution_id in sorted(seen):
        if heads.get(execution_id, 0) > seen[execution_id]:
            frames += read_log(execution_id, seen[execution_id], room)
            if room.full:
                break
    return frames


def _heads(execution_ids: Iterable[UUID]) -> dict[UUID, int]:
    """The number of the last event of each."""
    wanted, heads = list(execution_ids), {}
    for at in range(0, len(wanted), _AT_ONCE):
        events = ExecutionEvent.objects.filter(execution_id__in=wanted[at : at + _AT_ONCE])
        found = events.order_by().values_list("execution_id").annotate(Max("seq"))
        heads.update(dict(found))
    return heads


def _now_ms() -> int:
    return int(clock.now().timestamp() * 1000)
