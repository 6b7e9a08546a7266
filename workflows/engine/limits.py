"""The limits of one run, and what it has used of them.

A run is checked before each visit of a node and before each call, so it ends when it would use
more. What a model call uses is known only when it is over. So a call begins only if the run would
be under its limit even after all calls under way used the most they may; otherwise it waits for
them. Hence only the last call can exceed a limit of tokens or cost, by less than its upper bound.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from math import inf
from typing import NoReturn, TypeVar

from core.limits import RunLimits
from core.money import dollars_text
from workflows.engine.errors import BeyondLimit, StepTooLong
from workflows.engine.events import LimitReached
from workflows.engine.paths import Place
from workflows.engine.result import ExecutionResult

T = TypeVar("T")
_NO_LIMITS = RunLimits()
# Nodes that are passed over are steps of LangGraph, but none of ours.
_NET = 1_000_000


@dataclass(frozen=True, slots=True)
class Used:
    """What earlier attempts used; tokens and cost are None where nobody knows.

    `step_s` is the time spent at visits that did not end; `too_long` are the visits that ended by
    taking too long, in this run or in the one that it reruns.
    """

    tokens: int | None = 0
    cost_nano_usd: int | None = 0
    tool_calls: int = 0
    run_s: float = 0.0
    step_s: Mapping[Place, float] = field(default_factory=dict)
    too_long: Mapping[Place, LimitReached] = field(default_factory=dict)


_NOTHING = Used()


@dataclass(slots=True)
class _Amount:
    """One thing that calls use. `under_way` are the upper bounds of those not over yet."""

    most: int | None
    used: int | None
    under_way: dict[Hashable, float] = field(default_factory=dict)

    @property
    def is_reached(self) -> bool:
        return self.most is not None and (self.used is None or self.used >= self.most)

    @property
    def has_room(self) -> bool:
        """Whether it would not be reached if all calls under way used all they may."""
        if self.most is None or self.used is None:
            return self.most is None
        return self.used + sum(self.under_way.values()) < self.most

    def begin(self, key: Hashable, bound: int | None) -> None:
        if self.most is not None:
            self.under_way[key] = inf if bound is None else bound

    def end(self, key: Hashable, used: int | None) -> None:
        self.under_way.pop(key, None)
        self.used = None if used is None or self.used is None else self.used + used


class Guard:
    """One for a run and all that runs in it. Once it has raised BeyondLimit, every check raises it.

    `over` is the limit that ended the run that is replayed.
    """

    def __init__(
        self,
        limits: RunLimits = _NO_LIMITS,
        used: Used = _NOTHING,
        over: LimitReached | None = None,
    ) -> None:
        self.limits = limits
        self._used = used
        self._over = over
        self._ending: LimitReached | None = None
        self._steps = 0
        self._tool_calls = used.tool_calls
        self._tokens = _Amount(limits.tokens, used.tokens)
        self._cost = _Amount(limits.cost_nano_usd, used.cost_nano_usd)
        self._call_over = asyncio.Event()
        self._running = False

    def most_supersteps(self, nodes: int) -> int:
        """The outer net: no graph of so many nodes takes more of LangGraph's steps than this."""
        return _NET if self.limits.steps is None else (self.limits.steps + 1) * (2 * nodes + 2)

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """The whole run: what happens in here is cancelled when its time is over."""
        self._go_on()
        most = self.limits.run_time_s
        if most is None or self._running:
            yield
            return
        if self._used.run_s >= most:
            self._time_is_over(most)
        self._running, limit = True, asyncio.timeout(most - self._used.run_s)
        try:
            async with limit:
                yield
        except TimeoutError:
            if limit.expired():
                self._time_is_over(most)
            raise

    async def step(self, node: str, visit: int, work: Callable[[], Awaitable[T]]) -> T:
        """Do the work of one visit in its time. Raises StepTooLong."""
        if (before := self._used.too_long.get((node, visit))) is not None:
            raise StepTooLong(before)
        most = self.limits.step_time_s
        if most is None:
            return await work()
        limit = asyncio.timeout(most - self._used.step_s.get((node, visit), 0.0))
        try:
            async with limit:
                return await work()
        except TimeoutError as error:
            if not limit.expired():
                raise
            message = f"The node reached its limit of step time: {most:g} s."
            event = LimitReached("step_time", most, most, node, visit, message)
            raise StepTooLong(event) from error

    def count_step(self, node: str, visit: int) -> None:
        """A node is about to be visited."""
        self._go_on()
        most = self.limits.steps
        if most is not None and self._steps >= most:
            self.too_many_steps(node, visit)
        self._steps += 1

    def too_many_steps(self, node: str = "", visit: int = 0) -> NoReturn:
        most = self.limits.steps or _NET
        self._end("steps", most, most + 1, f"steps: {most:,}", node, visit)

    def count_tool_call(self, node: str, visit: int) -> None:
        """A tool is about to be called."""
        self._go_on()
        most = self.limits.tool_calls
        if most is not None and self._tool_calls >= most:
            self._end("tool_calls", most, self._tool_calls, f"tool calls: {most:,}", node, visit)
        self._tool_calls += 1

    @property
    def tokens_left(self) -> int | None:
        """How many tokens are left to use; None: no limit."""
        most, used = self._tokens.most, self._tokens.used
        return None if most is None or used is None else max(most - used, 0)

    async def begin_call(
        self, key: Hashable, tokens: int | None, nano_usd: int | None, at: Place
    ) -> None:
        """Return when a model may be called; the call may use so much, None: no one knows."""
        while True:
            self._go_on()
            self._look_at_amounts(*at)
            if self._tokens.has_room and self._cost.has_room:
                break
            await self._call_over.wait()
        self._tokens.begin(key, tokens)
        self._cost.begin(key, nano_usd)

    def end_call(self, key: Hashable, tokens: int | None, nano_usd: int | None) -> None:
        """What it used; None where nobody will ever know."""
        self._tokens.end(key, tokens)
        self._cost.end(key, nano_usd)
        self._call_over.set()
        self._call_over = asyncio.Event()

    def refuse_unpriced(self, model: str, node: str, visit: int) -> NoReturn:
        """Where cost is limited, a model whose cost nobody knows is not asked."""
        self._go_on()
        most = dollars_text(self.limits.cost_nano_usd or 0)
        what = f"cost: ${most}. The model '{model}' has no price, so what it costs is not known"
        self._end("cost", most, None, what, node, visit)

    def check_output(self, result: ExecutionResult) -> None:
        """Raises BeyondLimit when the output is too large, or the run had to end before."""
        self._go_on()
        if self._over is not None:
            raise BeyondLimit(self._over)
        most = self.limits.output_characters
        if most is None:
            return
        size = len(result.text)
        if result.variables:
            size += len(json.dumps(dict(result.variables), ensure_ascii=False, default=str))
        if size > most:
            self._end("output", most, size, f"output characters: {most:,} (it has {size:,})")

    def _look_at_amounts(self, node: str, visit: int) -> None:
        if self._tokens.is_reached:
            most, used = self._tokens.most or 0, self._tokens.used
            told = "of earlier calls it is not known how many" if used is None else f"{used:,} used"
            self._end("tokens", most, used, f"tokens: {most:,} ({told})", node, visit)
        if self._cost.is_reached:
            allowed, spent = dollars_text(self._cost.most or 0), self._cost.used
            reached = None if spent is None else dollars_text(spent)
            told = "of earlier calls it is not known" if reached is None else f"${reached} used"
            self._end("cost", allowed, reached, f"cost: ${allowed} ({told})", node, visit)

    def _time_is_over(self, most: float) -> NoReturn:
        self._end("run_time", most, max(most, round(self._used.run_s, 3)), f"run time: {most:g} s")

    def _end(  # noqa: PLR0913 - what an event tells
        self,
        limit: str,
        most: float | str,
        reached: float | str | None,
        what: str,
        node: str = "",
        visit: int = 0,
    ) -> NoReturn:
        message = f"The run reached its limit of {what}."
        self._ending = LimitReached(limit, most, reached, node, visit, message)
        raise BeyondLimit(self._ending)

    def _go_on(self) -> None:
        if self._ending is not None:
            raise BeyondLimit(self._ending)
