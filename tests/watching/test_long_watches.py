"""Who watches many things for hours misses as little, and costs no more, than who came just now."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import async_to_sync, sync_to_async

from core import clock
from core.events import Bell
from tests.factories.accounts import UserFactory
from tests.watching.world import Person, World
from workflows.models import WorkflowExecution
from workflows.tracking.frames import Frame
from workflows.watching import feed, logs, subscription
from workflows.watching.logs import SeriesLog
from workflows.watching.positions import Positions, id_at

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


class Attentive(Person):
    """Notices how many executions that are over are remembered for it."""

    remembered = 0

    def place(self, positions: Positions, told: Frame) -> str:
        self.remembered = len(positions.over)
        return super().place(positions, told)


def test_what_ended_long_ago_is_not_remembered_for_who_keeps_up(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CHATTER_POLL_S = 60
    monkeypatch.setattr(subscription, "_LOOKS_EVERY_S", 0.05)

    async def scenario() -> None:
        world = await _world_that_began(clock.now() - HOUR)
        person = Attentive(world, "user", "")
        await person.connect()
        for _ in range(30):
            await world.begin(0)
            await world.happen(-1, 1, last=True)
        for _ in range(8):
            await asyncio.sleep(0.1)
            await world.begin(0)
            if person.remembered < 25:
                break
        assert person.remembered < 25
        assert len(person.had) > 50
        await person.cut()

    _run(scenario())


def test_a_place_to_go_on_from_takes_no_longer_however_many_have_ended() -> None:
    """It is made for each event of a stream, in the loop that serves everybody."""

    def took_s(ended: int) -> float:
        now = round(clock.now().timestamp() * 1000)
        over = {id_at(now - number) for number in range(ended)}
        positions, one = Positions(over=over), Frame(id_at(now + 1), 1, "node.started", "{}")
        positions.note(one)
        began = perf_counter()
        place = positions.cursor(one)
        took = perf_counter() - began
        assert (place.count(","), str(id_at(now)) in place) == (19, True)
        return took

    few, many = (min(took_s(ended) for _ in range(5)) for ended in (100, 20_000))
    assert many < 20 * few


def test_nothing_is_lost_or_told_twice_where_it_is_forgotten(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CHATTER_POLL_S = 60
    monkeypatch.setattr(subscription, "_LOOKS_EVERY_S", 0.02)

    async def scenario() -> None:
        world = await sync_to_async(lambda: World(UserFactory()))()
        person = Person(world, "user", "")
        await person.connect()
        for _ in range(36):
            await world.begin(0)
            await world.happen(-1, 2, last=True)
        await _soon(lambda: len(person.had) == 3 * 36)
        await asyncio.sleep(0.1)
        for life in world.lives:
            assert _of(person, life.row.id) == life.log
        await person.cut()

    _run(scenario())


def test_what_another_process_commits_unheard_is_told_though_much_else_goes_on(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CHATTER_POLL_S = 0.1
    monkeypatch.setattr(feed, "_BUSY_POLL_S", 0.1)

    async def scenario() -> None:
        world = await _world_that_began(clock.now())
        person = Person(world, "user", "")
        await person.connect()
        await world.begin(0)
        await world.begin(0)
        await _soon(lambda: len(person.had) == 2)
        unheard, busy = world.lives
        with monkeypatch.context() as silence:
            silence.setattr(Bell, "ring", lambda self, pieces_by_group: None)
            await world.happen(0, 1)
        for _ in range(100):
            await world.happen(1, 1)
            await asyncio.sleep(0.02)
            if unheard.log[-1] in person.had:
                break
        assert _of(person, unheard.row.id) == unheard.log
        await _soon(lambda: _of(person, busy.row.id) == busy.log)
        assert _of(person, busy.row.id) == busy.log
        await person.cut()

    _run(scenario())


def test_what_found_no_room_in_the_last_id_and_ended_meanwhile_is_told(settings: Any) -> None:
    settings.CHATTER_POLL_S = 0.05

    async def scenario() -> None:
        world = await _world_that_began(clock.now() - HOUR)
        for _ in range(25):
            await world.begin(0)
        person = Person(world, "user", "")
        await person.connect()
        await world.happen(24, 1)
        await _soon(lambda: person.had)
        await person.cut()
        oldest = world.lives[0]
        await world.happen(0, 2, last=True)
        await person.connect()
        await _soon(lambda: oldest.log[-1] in person.had)
        assert _of(person, oldest.row.id) == oldest.log
        await person.cut()

    _run(scenario())


async def _world_that_began(at: datetime) -> World:
    """Its executions follow each other by more than a minute."""
    world = await sync_to_async(lambda: World(UserFactory()))()
    began_ms = int(at.timestamp() * 1000)
    world.ids = [id_at(began_ms + number * 61_000) for number in range(40)]
    return world


def _of(person: Person, execution: UUID) -> list[Frame]:
    return [one for one in person.had if one.execution_id == execution]


def _run(scenario: Coroutine[Any, Any, None]) -> None:
    async def play() -> None:
        await scenario

    async_to_sync(play)()


async def _soon(reached: Callable[[], Any]) -> None:
    """Wait for it, for a while."""
    for _ in range(500):
        if reached():
            return
        await asyncio.sleep(0.005)


def test_what_began_and_ended_between_two_looks_is_seen_however_many_did_lately(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With more than a page in the last minute, it was told a minute later."""
    monkeypatch.setattr(logs, "_IN_A_PAGE", 100)
    world = World(UserFactory())
    runs = WorkflowExecution.objects.filter(user=world.user)
    ended = {"user": world.user, "version": world.version, "finished_at": clock.now()}
    WorkflowExecution.objects.bulk_create(
        WorkflowExecution(status="completed", **ended) for _ in range(600)
    )
    log = SeriesLog("user", runs)
    before = log.present()
    newest = WorkflowExecution.objects.create(status="completed", **ended)
    assert log.read(before, 100).begun == [newest.id]


def test_who_comes_back_after_long_is_told_all_of_it_page_by_page(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(logs, "_IN_A_PAGE", 10)
    world, now_ms = World(UserFactory()), int(clock.now().timestamp() * 1000)
    ids = [UUID(int=id_at(now_ms - 3_600_000 + 130_000 * at).int + at) for at in range(28)]
    ended = {"user": world.user, "version": world.version, "finished_at": clock.now()}
    WorkflowExecution.objects.bulk_create(
        WorkflowExecution(id=one, status="completed", **ended) for one in ids
    )
    log = SeriesLog("user", WorkflowExecution.objects.filter(user=world.user))
    positions, told, more = Positions(low=ids[0]), [], True
    while more:
        page = log.read(positions, 100)
        page.begin(positions)
        page.end(positions)
        told, more = [*told, *page.begun], page.more
    assert told == ids[1:]
