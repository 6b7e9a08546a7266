"""The same work for each of many items, several at a time."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from workflows.engine.errors import NodeError
from workflows.engine.pausing import RunPaused

T = TypeVar("T")


async def for_each(
    count: int,
    run: Callable[[int], Awaitable[T]],
    *,
    parallel: int,
    keep_errors: bool,
    first: int | None = None,
) -> Sequence[T | NodeError]:
    """What came of items 0 … count-1, in this order, at most `parallel` of them at a time.

    Unless errors are kept, the first in this order is raised, whichever came first in time: no
    further item begins, and those that have begun come to their end. When one of them waits for
    somebody, the others go on, and then all wait. What else is raised stops all at once.

    Where the work is repeated, `first` is how many items had begun last time. The others begin only
    when these are over, and none has failed: what kept them from beginning happens again first.
    """
    first = count if first is None else first
    items = _Items(count, run, keep_errors=keep_errors, first=first)
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(parallel, count)):
                group.create_task(items.work())
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None
    return items.done()


class _Items(Generic[T]):
    """Those left to begin, and what came of those that have begun."""

    def __init__(
        self, count: int, run: Callable[[int], Awaitable[T]], *, keep_errors: bool, first: int
    ) -> None:
        self._run = run
        self._keep_errors = keep_errors
        self._left = iter(range(count))
        self._first, self._first_are_over = first, asyncio.Event()
        self._over = 0
        self._results: dict[int, T | NodeError] = {}
        self._pauses: list[RunPaused] = []

    async def work(self) -> None:
        """Take one after the other; items begin in their order, so the first to fail has begun."""
        for item in self._left:
            if item >= self._first and not await self._may_begin():
                return
            await self._do(item)

    async def _may_begin(self) -> bool:
        await self._first_are_over.wait()
        return not self._failed

    async def _do(self, item: int) -> None:
        try:
            self._results[item] = await self._run(item)
        except RunPaused as pause:
            self._pauses.append(pause)
        except NodeError as error:
            self._results[item] = error
            if not self._keep_errors:
                deque(self._left, maxlen=0)  # none of them is begun any more
        self._over += 1
        if self._over >= self._first:
            self._first_are_over.set()

    @property
    def _failed(self) -> list[NodeError]:
        results = [self._results[item] for item in sorted(self._results)]
        return [one for one in results if isinstance(one, NodeError)]

    def done(self) -> Sequence[T | NodeError]:
        if self._pauses:  # one that waits may fail yet, and come before those that have
            raise self._pauses[0]
        if self._failed and not self._keep_errors:
            raise self._failed[0]
        return [self._results[item] for item in sorted(self._results)]
