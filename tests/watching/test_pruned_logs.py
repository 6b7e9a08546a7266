"""Who reads an old log is told what is not there any more, and how all of it ended."""

from typing import Any

import pytest
from asgiref.sync import async_to_sync

from tests.drills.listening import begin, browser, listen, log_of, read_stream, with_token
from tests.drills.server import chatter

pytestmark = pytest.mark.slow


@pytest.fixture
def logs(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The log of a run as it was, and as each door tells it after it was pruned."""
    with chatter(tmp_path_factory.mktemp("pruned")) as server:
        server.furnish(people=["alice"])
        server.start()
        alice = server.people["alice"]

        async def scenario() -> dict[str, Any]:
            async with browser(server, alice) as client:
                pk = (await begin(client, "say 60 words"))["id"]
                whole = await log_of(client, pk)
                done = server.manage("prune", "events", "--older-than", "0")
                assert done.returncode == 0, done.stderr
                address = f"/api/v1/executions/{pk}/events/"
                page = (await client.get(address)).json()
                inside = whole[5]["seq"]
                heard = await listen(server, pk, with_token(alice))
                later = await listen(server, pk, with_token(alice), after=inside)
                return {
                    "whole": whole,
                    "page": page,
                    "inside": inside,
                    "socket": heard.events,
                    "socket_end": heard.frames[-1],
                    "socket_later": later.events,
                    "stream": [one.data for one in await read_stream(client, address) if one.id],
                    "page_of_run": (await client.get(f"/api/v1/executions/{pk}/")).json(),
                }

        yield async_to_sync(scenario)()


def test_every_door_tells_the_same_of_a_pruned_log(logs):
    kept = logs["page"]["results"]
    assert kept[-1]["type"] == "execution.completed"
    assert kept[-1]["seq"] == logs["page"]["last_seq"] == len(logs["whole"])
    assert sum(event.get("pruned", 0) for event in kept) == len(logs["whole"]) - len(kept) > 0
    assert logs["socket"] == logs["stream"] == kept
    assert (logs["socket_end"]["type"], logs["socket_end"]["seq"]) == ("end", kept[-1]["seq"])
    assert logs["socket_later"] == [event for event in kept if event["seq"] > logs["inside"]]
    assert logs["page_of_run"]["output"] == kept[-1]["data"]["output"]
