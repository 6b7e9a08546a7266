"""The bell brings hints, and leaves nothing behind."""

import asyncio
import threading
from dataclasses import dataclass
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from core import events
from core.events import Bell, Listener
from core.relay import Ring, message_of

_SOCKET_WAITS_S = 5.0  # redis-py's own time for an answer; a layer that polls dies of it


@pytest.mark.services
@pytest.mark.usefixtures("production_profile")
def test_a_listener_closed_while_it_connects_leaves_no_task_behind() -> None:
    async def listen_for(seconds: float) -> None:
        listener = Listener(Bell(), "execution.briefly")
        with listener:
            await asyncio.sleep(seconds)
            relay = listener._relay
        assert relay is not None
        assert relay.task is not None
        async with asyncio.timeout(5):
            await asyncio.wait([relay.task])

    for step in range(200):
        asyncio.run(listen_for(step % 20 * 0.0002))


@pytest.mark.services
@pytest.mark.usefixtures("production_profile")
def test_a_loop_that_closes_while_its_relay_asks_redis_does_not_wait_for_good() -> None:
    async def listen_until(step: int) -> None:
        Listener(Bell(), "execution.closed").__enter__()
        for _ in range(step):
            await asyncio.sleep(0)

    for step in range(400):
        running = threading.Thread(target=asyncio.run, args=[listen_until(step)], daemon=True)
        running.start()
        running.join(10)
        assert not running.is_alive()


@pytest.mark.services
@pytest.mark.usefixtures("production_profile")
def test_other_processes_are_heard_after_a_silence_longer_than_a_socket_of_redis_waits() -> None:
    async def scenario() -> None:
        with Listener(Bell(), "execution.quiet") as listener:
            await listener.joined()
            await asyncio.sleep(_SOCKET_WAITS_S + 1)
            rung = {"type": "rung", "group": "execution.quiet", "by": "another process"}
            await get_channel_layer().group_send("execution.quiet", rung)
            await listener.wait(5)
            assert listener.hinted

    asyncio.run(scenario())


@dataclass(frozen=True)
class News:
    text: str


@pytest.mark.services
@pytest.mark.usefixtures("production_profile")
def test_another_process_is_handed_what_is_short_and_of_what_is_long_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def from_elsewhere(group: str, ring: Ring) -> dict[str, Any]:
        return {**message_of(group, ring), "by": "another process"}

    monkeypatch.setattr(events, "message_of", from_elsewhere)

    async def scenario() -> None:
        here, there, group = Bell(), Bell(), "execution.told"
        there.carry_through(asyncio.get_running_loop())
        with (
            Listener(here, group, read=News) as reads,
            Listener(here, group, lambda news: news.text == "end", read=News) as waits,
            Listener(here, group) as looks,
        ):
            await reads.joined()
            for one in (reads, waits, looks):
                await one.wait(5)  # what was rung before it joined is not known
            there.ring({group: [News("\u00fc"), News("b")]})
            assert await reads.wait(5) == [News("\u00fc"), News("b")]
            assert not reads.hinted
            assert await looks.wait(5) == []
            assert looks.hinted
            there.ring({group: [News("c" * 20_000), News("d")]})
            assert await reads.wait(5) == [News("d")]
            assert reads.hinted
            assert not waits._rung.is_set()
            there.ring({group: [News("e" * 20_000), News("end")]})
            assert await waits.wait(5) == [News("end")]
            there.ring({group: [News("f" * 20_000)]})
            assert await waits.wait(5) == []
            assert waits.hinted

    asyncio.run(scenario())


class AwayLayer:
    """A channel layer whose server is away."""

    asked = 0

    async def group_send(self, group: str, message: object) -> None:
        self.asked += 1
        raise ConnectionError("no route to Redis")


def test_while_nothing_is_carried_the_bell_does_not_try_for_every_ring(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    layer, bell = AwayLayer(), Bell()
    monkeypatch.setattr(events, "get_channel_layer", lambda: layer)

    async def rings(times: int) -> None:
        bell.carry_through(asyncio.get_running_loop())
        for _ in range(times):
            bell.ring({"pumps.work": ()})
            await asyncio.sleep(0.001)

    async_to_sync(rings)(100)
    assert 1 <= layer.asked < 10
    bell._silent_until = 0.0  # a second goes by
    before = layer.asked
    async_to_sync(rings)(2)
    assert layer.asked > before
