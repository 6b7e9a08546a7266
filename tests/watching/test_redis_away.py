"""Redis only brings hints: while it is away, watching begins and goes on all the same."""

from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async

from accounts.models import User
from tests.watching.protocol import Client, token_of
from tests.watching.world import World


@pytest.fixture
def nothing_rings(settings: Any) -> None:
    settings.CHATTER_POLL_S = 0.05
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": ["redis://127.0.0.1:9"]},
        }
    }


def test_a_websocket_is_opened_and_tells(nothing_rings: None, alice: User) -> None:
    world = World(alice)

    async def scenario() -> None:
        await world.begin(0)
        execution = str(world.lives[0].row.id)
        async with Client(await sync_to_async(token_of)(alice)) as client:
            told = await client.ask(type="subscribe", channel="execution", id=execution)
            assert told["type"] == "subscribed"
            assert (await client.hear())["event"]["seq"] == 1
            await world.happen(0, 1)
            assert (await client.hear())["event"]["seq"] == 2

    async_to_sync(scenario)()
