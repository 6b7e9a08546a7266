"""How far a watcher of several executions has come in each (pure).

A single number does not say it: executions of one user run beside each other, and are not committed
in the order of their ids. So what is open stands here with its number, and what ended lately is
remembered, until no commit can be so late that it would look new.
"""

from dataclasses import dataclass, field
from enum import Enum
from heapq import nlargest
from uuid import UUID

from workflows.tracking.frames import Frame

LATE_MS = 60_000  # between the making of an id and the commit of its execution lie seconds at most
_REMEMBERED_MS = 600_000
_RANDOM_BITS = 80  # of a UUID of version 7, behind its milliseconds
IN_A_CURSOR = 20
ENDED = 999_999_999  # in a cursor: more events than any execution has


class Verdict(Enum):
    NEXT = "next"
    OLD = "old"
    GAP = "gap"


def milliseconds_of(execution_id: UUID) -> int:
    return execution_id.int >> _RANDOM_BITS


def id_at(milliseconds: int) -> UUID:
    """The least id of this instant."""
    return UUID(int=max(milliseconds, 0) << _RANDOM_BITS)


@dataclass(slots=True)
class Positions:
    """`open`: executions that are open for this watcher, and the number of the last event it had.

    `over`: those that ended lately. Executions up to the id `low` that are in neither are none of
    the watcher's. `_newest` are those of `over` that a cursor may name: it is made for each event,
    and thousands may have ended.
    """

    open: dict[UUID, int] = field(default_factory=dict)
    over: set[UUID] = field(default_factory=set)
    low: UUID = UUID(int=0)
    _newest: list[UUID] = field(init=False)

    def __post_init__(self) -> None:
        self._newest = nlargest(IN_A_CURSOR, self.over)

    def verdict(self, frame: Frame) -> Verdict:
        if frame.execution_id in self.over:
            return Verdict.OLD
        known = self.open.get(frame.execution_id)
        if (known or 0) < frame.seq <= (known or 0) + 1 + frame.pruned:
            return Verdict.NEXT
        if known is None:
            return Verdict.GAP if frame.execution_id > self.low else Verdict.OLD
        return Verdict.GAP if frame.seq > known else Verdict.OLD

    def note(self, frame: Frame) -> None:
        """This frame was sent."""
        if frame.last:
            self.open.pop(frame.execution_id, None)
            self.over.add(frame.execution_id)
            self._newest = nlargest(IN_A_CURSOR, {*self._newest, frame.execution_id})
        else:
            self.open[frame.execution_id] = frame.seq

    def raise_low(self, low: UUID) -> None:
        """Everything up to here is known."""
        if low <= self.low:
            return
        self.low = low
        forgotten = id_at(milliseconds_of(low) - _REMEMBERED_MS)
        if len(self.over) > IN_A_CURSOR:
            self.over = {one for one in self.over if one > forgotten}
            self._newest = [one for one in self._newest if one in self.over]

    def cursor(self, frame: Frame) -> str:
        """Where to go on after this frame was sent: `<execution>:<seq>`, that of the frame first.

        The others follow, after commas, while they are open or ended lately. Beyond twenty the
        oldest are left out; they are sent again from their first event, never missed.
        """
        late = id_at(milliseconds_of(frame.execution_id) - LATE_MS)
        known = {*self.open, *(one for one in self._newest if one > late)} - {frame.execution_id}
        newest = nlargest(IN_A_CURSOR - 1, known)
        others = (f"{one}:{self.open.get(one, ENDED)}" for one in newest)
        return ",".join([f"{frame.execution_id}:{frame.seq}", *others])
