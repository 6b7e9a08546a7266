"""The same work for each of many items, several at a time. LangGraph sends each to one node."""

import asyncio
import operator
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, TypedDict, TypeVar

from langgraph.graph import START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Send

from workflows.engine.ending import to_its_end
from workflows.engine.errors import NodeError
from workflows.engine.pausing import RunPaused

T = TypeVar("T")


class _Sent(TypedDict):
    item: int


class _State(TypedDict):
    count: int
    done: Annotated[list[tuple[int, Any]], operator.add]


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
    items = _Items(run, asyncio.Semaphore(parallel), keep_errors, first)
    graph = _each.ainvoke({"count": count, "done": []}, context=items)
    return items.results((await to_its_end(graph))["done"])


@dataclass
class _Items:
    """What those of one map know of one another. `places` are taken in the order of the items."""

    run: Callable[[int], Awaitable[Any]]
    places: asyncio.Semaphore
    keep_errors: bool
    first: int
    first_are_over: asyncio.Event = field(default_factory=asyncio.Event)
    over: int = 0
    stopped: bool = False  # no further one begins
    paused: RunPaused | None = None

    async def work(self, item: int) -> list[tuple[int, Any]]:
        """What came of an item, if it began and does not wait; the first to fail has begun."""
        async with self.places:
            if item >= self.first and not self.stopped:
                await self.first_are_over.wait()
            if self.stopped:
                return []
            done = await self._begun(item)
        self.over += 1
        if self.over >= self.first:
            self.first_are_over.set()
        return done

    async def _begun(self, item: int) -> list[tuple[int, Any]]:
        try:
            return [(item, await self.run(item))]
        except RunPaused as pause:
            self.paused = pause
        except NodeError as error:
            self.stopped = not self.keep_errors
            return [(item, error)]
        return []

    def results(self, done: Sequence[tuple[int, Any]]) -> Sequence[Any]:
        """In the order of the items. Raises RunPaused, NodeError."""
        if self.paused is not None:  # one that waits may fail yet, and come before those that have
            raise self.paused
        results = [result for _, result in sorted(done, key=operator.itemgetter(0))]
        failed = [one for one in results if isinstance(one, NodeError)]
        if failed and not self.keep_errors:
            raise failed[0]
        return results


async def _item(state: _Sent, runtime: Runtime[_Items]) -> dict[str, Any]:
    return {"done": await runtime.context.work(state["item"])}


def _sent(state: _State) -> list[Send]:
    return [Send("item", {"item": item}) for item in range(state["count"])]


_each = (
    StateGraph(_State, context_schema=_Items)
    .add_node("item", _item, input_schema=_Sent)
    .add_conditional_edges(START, _sent, ["item"])
    .compile()
)
