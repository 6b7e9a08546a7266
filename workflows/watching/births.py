"""Watches an execution from before it begins: its first events are passed on without being read."""

from functools import partial
from typing import Any
from uuid import UUID

from workflows.tracking.log import Tail
from workflows.watching.channels import Opening, Teller, end_of, watch_to_its_end
from workflows.watching.feed import Batch


def from_birth(execution_id: UUID) -> Opening:
    """Listens from now on, until it is closed. For whoever starts it: asks nobody whether they may.

    To be watched once the execution is committed.
    """
    tail = Tail(execution_id, unborn=True).open()
    return Opening({}, partial(_watch, tail), tail.close)


async def _watch(tail: Tail, teller: Teller) -> dict[str, Any]:
    """Where nothing comes for a while, or the client falls behind, as any other watcher."""
    async for frames in tail.groups():
        teller.put(Batch(frames), [str(frame.seq) for frame in frames])
        if not frames or not teller.ready:
            tail.close()
            return await watch_to_its_end(tail.execution_id, tail.seen, teller)
    return end_of(tail.execution_id, tail.seen)
