"""Promise 9: a fire time starts one execution, whoever looks, dies or changes his mind."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

import pytest
from asgiref.sync import async_to_sync
from django.db import connection, connections
from hypothesis import given
from hypothesis import strategies as st

from audit.verification import verify
from core import clock
from tests.definitions.graphs import graph
from tests.factories.accounts import UserFactory
from tests.laws.histories import undone
from tests.laws.test_totals import lawful
from tests.triggers.conftest import NOON, TurnedClock
from triggers.models import Schedule, ScheduleFiring
from triggers.services import firing
from triggers.services.firing import claim_due, fire, fire_due
from triggers.services.schedules import create_schedule, pause_schedule, resume_schedule
from workflows.models import WorkflowExecution
from workflows.services.definitions import create_definition

EVERY_S = 60
histories = st.lists(
    st.one_of(
        st.tuples(st.just("passes"), st.integers(1, 200)),
        st.tuples(st.just("passes"), st.integers(1, 200)),
        st.tuples(st.just("look")),
        st.tuples(st.just("look_at_once"), st.integers(2, 3)),
        st.tuples(st.just("die"), st.sampled_from(["claimed", "before", "after"])),
        st.tuples(st.just("pause")),
        st.tuples(st.just("resume")),
    ),
    min_size=3,
    max_size=14,
)


class Died(Exception):
    """The process is gone."""


class Office:
    """One schedule that catches up with everything, and what was due of it."""

    def __init__(self) -> None:
        owner = UserFactory()
        self.clock = TurnedClock()
        self.due: set[Any] = set()
        with self._turned():
            made = create_definition(owner=owner, name="x", graph=graph())
            fields = {"name": "x", "kind": "interval", "every_s": EVERY_S, "misfire": "all"}
            self.schedule = create_schedule(owner=owner, definition=made.pk, **fields)
        self.schedule.refresh_from_db()

    def act(self, step: tuple[Any, ...]) -> None:
        with self._turned():
            act: Callable[..., None] = getattr(self, step[0])
            act(*step[1:])

    def passes(self, seconds: int) -> None:
        before, self.clock.time = self.clock.time, self.clock.time + timedelta(seconds=seconds)
        if not Schedule.objects.get().paused:
            steps = range(int((self.clock.time - NOON).total_seconds()) // EVERY_S + 1)
            times = {NOON + timedelta(seconds=EVERY_S * at) for at in steps}
            self.due |= {at for at in times if before < at}

    def look(self) -> None:
        async_to_sync(fire_due)()

    def look_at_once(self, how_many: int) -> None:
        """As if each had claimed it: what keeps them apart is the database alone."""

        async def all_of_them() -> None:
            await asyncio.gather(*[fire(self.schedule.pk) for _ in range(how_many)])

        async_to_sync(all_of_them)()

    def die(self, when: str) -> None:
        if when == "claimed":
            claim_due(10)
            return
        with mock.patch.object(firing, "start_execution", dies(when)):
            async_to_sync(fire_due)()

    def pause(self) -> None:
        pause_schedule(Schedule.objects.get(), by=None)

    def resume(self) -> None:
        resume_schedule(Schedule.objects.get(), by=self.schedule.owner)

    @contextmanager
    def _turned(self) -> Iterator[None]:
        with mock.patch.object(clock, "now", self.clock):
            yield


def dies(when: str) -> Any:
    """Start executions, in a process that ends before or after the commit."""
    start = firing.start_execution

    async def start_execution(prepare: Any) -> Any:
        if when == "before":
            raise Died
        plan = await start(prepare)
        if when == "after":
            raise Died
        return plan

    return start_execution


@pytest.mark.usefixtures("built_in")
@given(histories)
@lawful
def test_every_time_that_was_due_is_told_once_and_each_start_is_one_execution(
    history: list[tuple[Any, ...]],
) -> None:
    with undone():
        office = Office()
        for step in history:
            office.act(step)
        office.act(("passes", 40))  # whoever died had it no longer than this
        office.act(("look",))
        told = list(ScheduleFiring.objects.order_by("fire_at"))
        assert {one.fire_at for one in told} == office.due
        assert len(told) == len(office.due)
        assert {one.status for one in told} <= {"started", "missed"}
        started = [one.execution_id for one in told if one.status == "started"]
        assert sorted(started) == sorted(WorkflowExecution.objects.values_list("pk", flat=True))
        if not any(step[0] == "pause" for step in history):
            assert len(started) == len(office.due)
        assert verify().ok


@pytest.mark.slow
# Three threads, each with a connection of its own, see only what has been committed.
@pytest.mark.django_db(transaction=True)
def test_three_schedulers_start_each_time_once(
    settings: Any, tmp_path: Path, built_in: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CHATTER_RUN_LIMITS = {}
    settings.QUEUE_MAX_PENDING_PER_USER = 10_000  # nobody runs them
    schedules, rounds = (20, 50) if connection.vendor == "postgresql" else (5, 20)
    fast = FastClock()
    monkeypatch.setattr(clock, "now", fast)
    owner = UserFactory()
    made = create_definition(owner=owner, name="x", graph=graph())
    ends_at = fast.began + timedelta(seconds=EVERY_S * rounds + 1)
    for at in range(schedules):
        create_schedule(
            owner=owner,
            definition=made.pk,
            name=str(at),
            kind="interval",
            every_s=EVERY_S,
            starts_at=fast.began + timedelta(seconds=EVERY_S),
            ends_at=ends_at,
            misfire="all",
        )
    deaths = Deaths()
    monkeypatch.setattr(firing, "start_execution", deaths.start_execution)
    with where_threads_meet(tmp_path), ThreadPoolExecutor(3) as threads:
        fast.run()
        working = [threads.submit(look_until_nothing_is_left) for _ in range(3)]
        for one in working:
            one.result(timeout=120)
        counted = threads.submit(counts).result()
    assert deaths.number > 5
    wanted = schedules * rounds
    assert counted == {"executions": wanted, "firings": wanted, "started": wanted}


class FastClock:
    """An hour takes four seconds, once it runs."""

    def __init__(self) -> None:
        self.began, self._since = NOON, 0.0

    def run(self) -> None:
        self._since = time.monotonic()

    def __call__(self) -> datetime:
        passed = time.monotonic() - self._since if self._since else 0.0
        return self.began + timedelta(seconds=passed * 900)


class Deaths:
    """One start in ten ends with its process, before the commit or after it."""

    def __init__(self) -> None:
        self.number = 0
        self._chance = Random(1)
        self._starts = {when: dies(when) for when in ("before", "after")}
        self._lives = firing.start_execution

    async def start_execution(self, prepare: Any) -> Any:
        if self._chance.random() > 0.1:
            return await self._lives(prepare)
        self.number += 1
        return await self._starts[self._chance.choice(["before", "after"])](prepare)


def look_until_nothing_is_left() -> None:
    try:
        while Schedule.objects.filter(next_at__isnull=False).exists():
            async_to_sync(fire_due)()
    finally:
        connection.close()


def counts() -> dict[str, int]:
    firings = ScheduleFiring.objects.filter(status="started")
    try:
        return {
            "executions": WorkflowExecution.objects.count(),
            "firings": ScheduleFiring.objects.count(),
            "started": firings.values("execution").distinct().count(),
        }
    finally:
        connection.close()


@contextmanager
def where_threads_meet(folder: Path) -> Iterator[None]:
    """On SQLite a file with what the database in memory holds: threads cannot share that one."""
    if connection.vendor == "postgresql":
        yield
        return
    named = connections.databases["default"]
    with closing(sqlite3.connect(folder / "shared.sqlite3")) as file:
        connection.connection.backup(file)
    with mock.patch.dict(named, {"NAME": str(folder / "shared.sqlite3")}):
        yield
