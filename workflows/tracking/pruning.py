"""Old logs keep what happened, and lose what was said on the way.

Pieces of texts and the inputs and outputs of debug mode are most of a log, and of no use once its
run has long been over: answers stand in the execution, its calls and its messages. What is kept is
what totals per node, reruns and pages are made of. The event behind a place where others were says
how many, as `pruned`, so that nobody who reads the log takes it for a loss.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from uuid import UUID

import orjson
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from core.bulk import update_rows
from workflows.engine.events import NodeInput, NodeOutput, ReasoningDelta, TextDelta
from workflows.models import ExecutionEvent, WorkflowExecution
from workflows.tracking.frames import Frame, frame_from

_TAKEN = frozenset({TextDelta.type, ReasoningDelta.type, NodeInput.type, NodeOutput.type})
_AT_ONCE = 20


def prune_logs(before: datetime, dry_run: bool) -> Iterator[int]:
    """Of executions that ended before; gives the number of events taken, some logs at a time."""
    for executions in _unpruned(before):
        yield prune_executions(executions, dry_run)


def skeleton(log: Iterable[Frame]) -> Iterator[Frame]:
    """What is kept of a log, each event with how many were taken just before it."""
    seen = 0
    for frame in log:
        if frame.type in _TAKEN:
            continue
        yield frame if frame.seq == seen + 1 else _behind(frame, frame.seq - seen - 1)
        seen = frame.seq


def _behind(frame: Frame, taken: int) -> Frame:
    return frame_from(orjson.dumps({**frame.event(), "pruned": taken}).decode())


def _unpruned(before: datetime) -> Iterator[list[UUID]]:
    """By their end. A log is written in several commits, a row each; one that is pruned is one."""
    second = ExecutionEvent.objects.filter(execution=OuterRef("pk")).order_by("seq")[1:2]
    ended = WorkflowExecution.objects.filter(Exists(second), finished_at__lt=before)
    ended = ended.order_by("finished_at", "pk")
    later = Q()
    while found := list(ended.filter(later).values_list("pk", "finished_at")[:_AT_ONCE]):
        yield [pk for pk, _ in found]
        pk, at = found[-1]
        later = Q(finished_at__gt=at) | Q(finished_at=at, pk__gt=pk)


@transaction.atomic
def prune_executions(executions: Sequence[UUID], dry_run: bool) -> int:
    """Take these logs down to what is kept, a row each; gives the number of events taken.

    Locks them: an erasure takes words out of the same rows, and what was read before it would bring
    them back.
    """
    locked = ExecutionEvent.objects.select_for_update()
    events = locked.filter(execution__in=executions).order_by("execution", "seq")
    taken, gone, changed = 0, [], []
    for _, rows in groupby(events.iterator(), key=lambda row: row.execution_id):
        *earlier, last = rows
        frames = [frame_from(line) for row in (*earlier, last) for line in row.frames.split("\n")]
        kept = list(skeleton(frames))
        taken += len(frames) - len(kept)
        gone += [row.pk for row in earlier]
        changed.append({"id": last.pk, "frames": "\n".join(frame.text for frame in kept)})
    if not dry_run:
        ExecutionEvent.objects.filter(pk__in=gone).delete()
        update_rows(ExecutionEvent, changed)
    return taken
