"""Live counters for staff: counted once a second for all who watch, and told when they change."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from weakref import WeakKeyDictionary

from django.db.models import Count, Q, Sum
from django.db.models.functions import Coalesce

from accounts.models import User
from core import clock
from core.errors import NotFound
from llms.models import Exactness, ModelCall
from llms.models.call import AnsweredBy
from workflows.models import ExecutionStatus, WorkflowExecution
from workflows.totals import TOKENS, totals_json
from workflows.watching.channels import Channel, Opening, Teller
from workflows.watching.cursor import Cursor
from workflows.watching.patience import patiently
from workflows.watching.positions import id_at

EVERY_S = 1.0
_DAY_EVERY = 10  # the calls of a day are many: they are added up every so many counts
_MINUTE = timedelta(minutes=1)


def counters() -> dict[str, Any]:
    """`{queued, running, waiting, last_minute: {…}, today: {…}}`: as of now."""
    return {**executions_now(), "today": usage_today()}


def executions_now() -> dict[str, Any]:
    """Executions by state, and what ended in the last minute."""
    under_way = WorkflowExecution.objects.all().under_way()
    states = dict(under_way.order_by().values_list("status").annotate(Count("id")))
    ended = WorkflowExecution.objects.filter(finished_at__gte=clock.now() - _MINUTE)
    ends = dict(ended.order_by().values_list("status").annotate(Count("id")))
    over = (ExecutionStatus.COMPLETED, ExecutionStatus.FAILED, ExecutionStatus.CANCELLED)
    return {
        "queued": states.get(ExecutionStatus.PENDING, 0),
        "running": states.get(ExecutionStatus.RUNNING, 0),
        "waiting": states.get(ExecutionStatus.WAITING, 0),
        "last_minute": {str(status): ends.get(status, 0) for status in over},
    }


def usage_today() -> dict[str, Any]:
    """Model calls since midnight, UTC: as exact as the worst of them."""
    midnight = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    calls = ModelCall.objects.filter(
        id__gte=id_at(int(midnight.timestamp() * 1000)), answered_by=AnsweredBy.PROVIDER
    )
    inexact = (Exactness.ESTIMATED, Exactness.UNPRICED, Exactness.OPEN)
    sums = calls.aggregate(
        call_count=Count("id"),
        cost_nano_usd=Coalesce(Sum("cost_nano_usd"), 0),
        **{name: Coalesce(Sum(name), 0) for name in TOKENS},
        **{f"{one}_calls": Count("id", filter=Q(exactness=one)) for one in inexact},
    )
    told = totals_json(sums)
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
            self._task = asyncio.get_running_loop().create_task(self._count())
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
        turn = 0
        while True:
            await asyncio.sleep(EVERY_S)
            turn += 1
            now = await patiently(executions_now)
            old = self.shown.get("today")
            today = old if old and turn % _DAY_EVERY else await patiently(usage_today)
            counted = {**now, "today": today}
            if counted != self.shown:
                self.shown = counted
                changed, self._changed = self._changed, asyncio.Event()
                changed.set()


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
