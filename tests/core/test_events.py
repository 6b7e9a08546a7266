"""The bell brings hints, and leaves nothing behind."""

import asyncio

import pytest

from core.events import Bell


@pytest.mark.services
@pytest.mark.usefixtures("production_profile")
def test_a_listener_closed_while_it_connects_leaves_no_task_behind() -> None:
    async def listen_for(seconds: float) -> None:
        listener = Bell().listen("execution.briefly")
        with listener:
            await asyncio.sleep(seconds)
            relay = listener._relay
        assert relay is not None
        assert relay.task is not None
        async with asyncio.timeout(5):
            await asyncio.wait([relay.task])

    for step in range(200):
        asyncio.run(listen_for(step % 20 * 0.0002))
