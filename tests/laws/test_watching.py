"""Promises 4 and 5, for many watchers at once: whatever gets lost on the way, each has the log."""

import asyncio
import itertools
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from core.database import DatabaseThreads
from core.events import Bell, _carried
from tests.factories.accounts import UserFactory
from tests.laws.histories import undone
from tests.watching.world import Person, World
from workflows.tracking.frames import Frame

PATIENCE_S = 5
BEHIND = 4
BIGGEST_COMMIT = 6
LONG = Frame(UUID(int=0), 1, "", "!" * 20_000)

numbers = st.integers(0, 20)
steps = st.one_of(
    st.tuples(st.just("begin"), numbers),
    st.tuples(st.just("happen"), numbers, st.integers(1, BIGGEST_COMMIT)),
    st.tuples(st.just("happen"), numbers, st.integers(1, BIGGEST_COMMIT)),
    st.tuples(st.just("end"), numbers),
    st.tuples(st.just("flash"), numbers),
    st.tuples(st.just("come"), st.sampled_from(["user", "conversation", "execution"]), numbers),
    st.tuples(st.just("cut"), numbers),
    st.tuples(st.just("return"), numbers),
    st.tuples(st.just("stop_reading"), numbers),
    st.tuples(st.just("read"), numbers),
    st.tuples(st.just("bell"), st.sampled_from(["here", "elsewhere", "silent"])),
    st.tuples(st.just("dawdle"), st.booleans()),
    st.tuples(st.just("rest")),
)


class Town:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world = World(UserFactory())
        self.watchers: list[Person] = []
        self.away: list[Person] = []
        self.first: dict[Person, dict[Any, int]] = {}
        self._patch = monkeypatch
        self._ring = Bell.ring
        self._run = DatabaseThreads.run

    async def act(self, step: tuple[Any, ...]) -> None:
        await getattr(self, step[0] if step[0] != "return" else "come_back")(*step[1:])

    async def begin(self, at: int) -> None:
        await self.world.begin(at)

    async def happen(self, at: int, count: int) -> None:
        await self.world.happen(at, count)

    async def end(self, at: int) -> None:
        await self.world.happen(at, 2, last=True)

    async def flash(self, at: int) -> None:
        """It began and ended before anybody looked."""
        await self.world.begin(at)
        await self.world.happen(-1, 2, last=True)

    async def come(self, channel: str, at: int) -> None:
        """Of a user's channel the present is the beginning, of a conversation what is under way."""
        lives, pk = self.world.lives, ""
        begin = {life.row.id: len(life.log) for life in lives}
        if channel == "execution":
            if not lives:
                return
            life = lives[at % len(lives)]
            pk, begin = str(life.row.id), {one: n for one, n in begin.items() if one != life.row.id}
        elif channel == "conversation":
            pk = str(self.world.talk.id)
            begin = {life.row.id: len(life.log) for life in lives if life.over}
        person = Person(self.world, channel, pk)
        self.first[person] = begin
        await person.connect()
        self.watchers.append(person)

    async def cut(self, at: int) -> None:
        if self.watchers:
            person = self.watchers.pop(at % len(self.watchers))
            await person.cut()
            self.away.append(person)

    async def come_back(self, at: int) -> None:
        if self.away:
            person = self.away.pop(at % len(self.away))
            if person.last_id == "":  # had nothing yet, so there is nothing to go on after
                await self.come(person.channel.key, at)
                return
            await person.connect()
            self.watchers.append(person)

    async def stop_reading(self, at: int) -> None:
        if self.watchers:
            self.watchers[at % len(self.watchers)].reads = False

    async def read(self, at: int) -> None:
        if self.watchers:
            self.watchers[at % len(self.watchers)].read(at)

    async def bell(self, where: str) -> None:
        """In another process it is heard in any order, and what is long only in part."""
        loop, late = asyncio.get_running_loop(), itertools.cycle([0, 0.015, 0, 0.005])

        def elsewhere(self: Bell, pieces_by_group: Mapping[str, Sequence[Frame]]) -> None:
            for group, pieces in pieces_by_group.items():
                ring = _carried(pieces if len(pieces) < BIGGEST_COMMIT else [LONG, *pieces])
                hear = partial(loop.call_later, next(late), self._heard, loop, group, ring)
                loop.call_soon_threadsafe(hear)

        rings = {"here": self._ring, "elsewhere": elsewhere, "silent": lambda self, pieces: None}
        self._patch.setattr(Bell, "ring", rings[where])

    async def dawdle(self, reads_take_time: bool) -> None:
        """What was read arrives later: much may have been committed since."""
        run = self._run

        async def slowly(self: DatabaseThreads, *args: Any, **kwargs: Any) -> Any:
            answer = await run(self, *args, **kwargs)
            await asyncio.sleep(0.01)
            return answer

        self._patch.setattr(DatabaseThreads, "run", slowly if reads_take_time else run)

    async def rest(self) -> None:
        await asyncio.sleep(0.02)

    def wanted(self, person: Person) -> dict[Any, list[Frame]]:
        """Of each execution, what this watcher must have been told."""
        begin = self.first[person]
        only = person.pk if person.channel.key == "execution" else None
        return {
            life.row.id: life.log[begin.get(life.row.id, 0) :]
            for life in self.world.lives
            if only in (None, str(life.row.id)) and len(life.log) > begin.get(life.row.id, 0)
        }

    async def all_have_all(self) -> None:
        while self.away:
            await self.come_back(0)
        for person in self.watchers:
            person.reads = True
            person.read(1000)
        for _ in range(PATIENCE_S * 100):
            if all(_by_execution(one.had) == self.wanted(one) for one in self.watchers):
                break
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.03)  # for what comes twice

    async def close(self) -> None:
        for person in [*self.watchers, *self.away]:
            await person.cut()
        self._patch.undo()


def _by_execution(frames: list[Frame]) -> dict[Any, list[Frame]]:
    found: dict[Any, list[Frame]] = {}
    for one in frames:
        found.setdefault(one.execution_id, []).append(one)
    return found


@pytest.mark.django_db
@given(st.lists(steps, min_size=6, max_size=30))
@examples(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_is_late_lost_or_slow_each_watcher_has_exactly_the_log(
    settings: Any, history: list[tuple[Any, ...]]
) -> None:
    settings.CHATTER_POLL_S = 0.02
    settings.LIVE_BEHIND = BEHIND

    async def scenario() -> None:
        town = await sync_to_async(Town)(pytest.MonkeyPatch())
        try:
            for step in [("come", "user", 0), *history]:
                await town.act(step)
            await town.all_have_all()
            for person in town.watchers:
                assert _by_execution(person.had) == town.wanted(person), person.channel.key
                assert person.most_in_line <= 3 + BEHIND + BIGGEST_COMMIT
        finally:
            await town.close()

    with undone():
        async_to_sync(scenario)()


@pytest.mark.django_db
def test_who_does_not_read_delays_nobody_and_is_given_the_log_in_pages(settings: Any) -> None:
    settings.LIVE_BEHIND = BEHIND

    async def scenario() -> None:
        world = await sync_to_async(lambda: World(UserFactory()))()
        asleep, awake = Person(world, "user", ""), Person(world, "user", "")
        await asleep.connect()
        await awake.connect()
        asleep.reads = False
        await world.begin(0)
        for _ in range(40):
            await world.happen(0, 3)
            await _soon(lambda: awake.had == world.lives[0].log)
        assert asleep.had == []
        assert asleep.most_in_line <= 3 + 3
        while len(asleep.had) < len(awake.had):
            await _soon(lambda: not asleep.ready or asleep.line)
            assert asleep.line
            asleep.read(1000)
        assert asleep.had == awake.had
        assert asleep.most_in_line <= BEHIND + 3
        asleep.reads = True
        await asyncio.sleep(0.05)
        await world.happen(0, 1)
        await _soon(lambda: asleep.had == world.lives[0].log)
        assert asleep.had == world.lives[0].log
        for person in (asleep, awake):
            await person.cut()

    async_to_sync(scenario)()


@pytest.mark.django_db
def test_what_is_committed_while_somebody_reads_is_told_to_them(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CHATTER_POLL_S = 60

    async def scenario() -> None:
        world = await sync_to_async(lambda: World(UserFactory()))()
        first, second = Person(world, "user", ""), Person(world, "user", "")
        await first.connect()
        await world.begin(0)
        await _soon(lambda: first.had)
        run, meanwhile = DatabaseThreads.run, [0]

        async def commits_meanwhile(self: Any, function: Any, *args: Any, **more: Any) -> Any:
            answer = await run(self, function, *args, **more)
            if function.__name__ == "read" and meanwhile:
                await world.happen(meanwhile.pop(), 2)
                await asyncio.sleep(0.02)
            return answer

        monkeypatch.setattr(DatabaseThreads, "run", commits_meanwhile)
        await second.connect()
        await _soon(lambda: len(second.had) > 1)
        assert second.had == world.lives[0].log[1:]
        for person in (first, second):
            await person.cut()

    async_to_sync(scenario)()


async def _soon(reached: Callable[[], Any]) -> None:
    """Wait for it, for a while."""
    for _ in range(500):
        if reached():
            return
        await asyncio.sleep(0.005)
