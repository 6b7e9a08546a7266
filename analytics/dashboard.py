"""Live counters for staff: counted for all watchers at once, and sent when they change."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Any
from weakref import WeakKeyDictionary

import structlog
from django.db.models import Count

from accounts.models import User
from analytics.models import ModelRollup
from analytics.reports import reading
from analytics.reports.span import Span
from analytics.rollups.histogram import bucket_of, percentile
from analytics.under_way import executions_under_way
from core import clock
from core.errors import NotFound
from core.shared_task import shared_task
from workflows.models import ExecutionStatus, Rerun, WorkflowExecution
from workflows.totals import totals_json
from workflows.watching.channels import Channel, Opening, Teller
from workflows.watching.cursor import Cursor
from workflows.watching.patience import patiently

log = structlog.get_logger(__name__)
EVERY_S = 0.75  # so that a commit is told within a second, though to count takes its time, too
_MINUTE = timedelta(minutes=1)
_RATE_OVER = 13  # counts, ten seconds: how long the mean is of that tokens per second are


def counters() -> dict[str, Any]:
    """`{at, queued, running, waiting, last_minute, today, tokens_per_s, executions}`: as of now.

    `tokens_per_s` is null until it has been looked at for a while.
    """
    now = clock.now()
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)  # as browsers reckon
    return {
        "at": now.isoformat(),
        **executions_now(now),
        "today": usage_today(),
        "tokens_per_s": None,
        "executions": executions_under_way(),
    }


def executions_now(now: datetime) -> dict[str, Any]:
    """Executions by state, and what ended in the last minute; replays did nothing."""
    under_way = WorkflowExecution.objects.all().under_way()
    states = dict(under_way.order_by().values_list("status").annotate(Count("id")))
    ended = WorkflowExecution.objects.filter(finished_at__gte=now - _MINUTE)
    ended = ended.exclude(rerun=Rerun.REPLAY)
    ends: Counter[str] = Counter()
    durations: dict[int, int] = {}
    for status, duration_ms in ended.order_by().values_list("status", "duration_ms").iterator():
        ends[status] += 1
        if duration_ms is not None:
            bucket = bucket_of(duration_ms)
            durations[bucket] = durations.get(bucket, 0) + 1
    over = (ExecutionStatus.COMPLETED, ExecutionStatus.FAILED, ExecutionStatus.CANCELLED)
    return {
        "queued": states.get(ExecutionStatus.PENDING, 0),
        "running": states.get(ExecutionStatus.RUNNING, 0),
        "waiting": states.get(ExecutionStatus.WAITING, 0),
        "last_minute": {
            **{str(status): ends[status] for status in over},
            "p95_ms": percentile(durations, 0.95),
        },
    }


def usage_today() -> dict[str, Any]:
    """Model calls that began since midnight, UTC: as exact as the worst of them."""
    today = Span.of({"from": clock.now().date().isoformat()})
    tally = reading.total(reading.Wanted(reading.SUBJECTS["models"]), today)
    sums = dict(zip(ModelRollup.SUMS, tally.sums, strict=True))
    told = totals_json({**sums, "call_count": sums["call_count"] - sums["unasked_count"]})
    return {name: told[name] for name in ("calls", "total_tokens", "cost", "exactness")}


class Board:
    """The counters as they are, for the watchers of one event loop; nobody watches: not counted."""

    def __init__(self) -> None:
        self.shown: dict[str, Any] = {}
        self._changed = asyncio.Event()
        self._watchers = 0
        self._task: asyncio.Task[None] | None = None

    async def watch(self, shown: dict[str, Any], tell: Callable[[], Any]) -> None:
        """Await `tell` whenever the counters are not as they were, until cancelled."""
        self._watchers += 1
        if self._task is None:
            self.shown = shown
            self._task = shared_task(self._count())
        try:
            while True:
                if self.shown != shown:
                    shown = self.shown
                    await tell()
                changed = self._changed
                if self.shown == shown:
                    await changed.wait()
        finally:
            self._watchers -= 1
            if not self._watchers:
                self._task.cancel()
                self._task = None

    async def _count(self) -> None:
        past: deque[tuple[float, int]] = deque(maxlen=_RATE_OVER + 1)
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                counted = await patiently(counters)
            except Exception:
                log.exception("dashboard.not_counted")
                continue
            past.append((monotonic(), counted["today"]["total_tokens"]))
            counted["tokens_per_s"] = _rate(past)
            if {**counted, "at": ""} != {**self.shown, "at": ""}:
                self.shown = counted
                changed, self._changed = self._changed, asyncio.Event()
                changed.set()


def _rate(past: Sequence[tuple[float, int]]) -> float | None:
    """By how much a growing number grew in a second; at midnight it begins anew."""
    (first, before), (last, now) = past[0], past[-1]
    return round(max(now - before, 0) / (last - first), 1) if last > first else None


_boards: WeakKeyDictionary[asyncio.AbstractEventLoop, Board] = WeakKeyDictionary()


class DashboardChannel(Channel):
    """For staff; to all others there is no such thing."""

    key = "dashboard"

    def check(self, user: User, pk: str) -> User:
        if not user.is_staff:
            raise NotFound
        return user

    def open(self, user: User, pk: str, cursor: Cursor) -> Opening:
        self.check(user, pk)
        now = counters()

        async def watch(teller: Teller) -> None:
            board = _boards.setdefault(asyncio.get_running_loop(), Board())

            async def tell() -> None:
                await teller.drained()
                teller.say({"type": "counters", "counters": board.shown})

            await board.watch(now, tell)

        return Opening({"counters": now}, watch)
