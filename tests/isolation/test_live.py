"""Sockets, channels and streams: nobody hears of what is another's, wherever they say they were."""

import asyncio
import json
from collections.abc import Coroutine, Mapping
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from channels.testing import WebsocketCommunicator
from django.test import AsyncClient

from accounts.services.tokens import create_token
from chatter_project.websockets import _routes, sockets
from tests.isolation.asking import connection_kept, nobodys
from tests.isolation.conftest import Town
from tests.isolation.home import Home
from tests.isolation.policies import CHANNELS, SOCKETS, Own, SignedIn, Staff
from tests.isolation.routes import Route, routes
from tests.isolation.test_routes import policy_of, values
from tests.watching.protocol import Client
from workflows.watching.channels import channels

ADDRESSES = [Route(str(one.pattern), one.callback) for one in _routes]
STREAMS = [one for one in routes() if one.streams]
UNHEARD_S = 0.15


@pytest.fixture(autouse=True)
def quick(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.CHATTER_POLL_S = 0.02

    async def keep() -> None:
        """Channels would drop the connection that a test's transaction is on."""

    for module in ("channels.consumer", "channels.generic.websocket"):
        monkeypatch.setattr(f"{module}.aclose_old_connections", keep)


def run(scenario: Coroutine[Any, Any, Any]) -> Any:
    async def play() -> Any:
        return await scenario

    return async_to_sync(play)()


def without(ids: Mapping[str, str], *bodies: Any) -> str:
    """What was said, with these ids and that of the one request left out."""
    text = json.dumps(bodies)
    for body in bodies:
        problem = body.get("problem")
        told = problem if isinstance(problem, dict) else body
        if told.get("request_id"):
            text = text.replace(told["request_id"], "<request>")
    for one in ids.values():
        text = text.replace(one, "<id>")
    return text


def nothing_of(home: Home, text: str) -> bool:
    return home.mark not in text and not any(one in text for one in home.things.values())


@pytest.mark.parametrize("route", ADDRESSES, ids=lambda route: route.address)
def test_every_socket_has_a_policy(route):
    assert route.address in SOCKETS, (
        f"Nobody said who may open {route.address!r}: add it to SOCKETS in "
        "tests/isolation/policies.py."
    )


@pytest.mark.parametrize("key", channels())
def test_every_channel_has_a_policy(key):
    assert key in CHANNELS, (
        f"Nobody said who may subscribe to {key!r}: add it to CHANNELS in "
        "tests/isolation/policies.py."
    )


# --- sockets of one thing


async def opened(url: str, token: str) -> tuple[dict[str, Any], int | None]:
    """The first that is said there, and the code it is closed with, if it is."""
    subprotocols = ["chatter.v1", *([f"token.{token}"] if token else [])]
    socket = WebsocketCommunicator(sockets, url, subprotocols=subprotocols)
    await socket.connect()
    said = json.loads(await socket.receive_from(timeout=5))
    code = None
    if said["type"] == "error":
        code = (await socket.receive_output(timeout=5))["code"]
    await socket.disconnect()
    return said, code


OWN = [one for one in ADDRESSES if isinstance(SOCKETS.get(one.address), Own)]


@pytest.mark.parametrize("route", OWN, ids=lambda route: route.address)
def test_a_socket_of_what_is_anothers_is_one_of_what_nobody_made(route, town):
    def said_to(token: str, things: dict[str, str]) -> Any:
        kind = SOCKETS[route.address].kind
        return run(opened(route.url(dict.fromkeys(route.parameters, things[kind])), token))

    alices, random = town.alice.things, nobodys(town.alice.things)
    foreign, code = said_to(town.charlie.token, alices)
    unknown, other_code = said_to(town.charlie.token, random)
    assert without(alices, foreign) == without(random, unknown)
    assert (code, other_code) == (4404, 4404)
    assert said_to("", alices)[1] == 4401
    assert said_to(town.alice.token, alices)[0]["type"] != "error"


# --- channels


async def subscribed(token: str, **asked: Any) -> list[dict[str, Any]]:
    """All that is said in answer, for a moment."""
    heard = []
    async with Client(token) as client:
        await client.say(type="subscribe", **asked)
        heard.append(await client.hear())
        while not await client._socket.receive_nothing(timeout=UNHEARD_S):
            heard.append(await client.hear())
    return heard


def of(kind: type[Any]) -> list[str]:
    return [key for key, policy in CHANNELS.items() if isinstance(policy, kind)]


@pytest.mark.parametrize("key", of(Own))
@pytest.mark.parametrize("place", [{}, {"after": 1}, {"positions": {}}])
def test_a_channel_of_what_is_anothers_is_one_of_what_nobody_made(key, place, town):
    alices, random = town.alice.things, nobodys(town.alice.things)
    kind = CHANNELS[key].kind
    if "positions" in place:
        place = {"positions": {alices["execution"]: 1}}
    foreign, unknown = (
        run(subscribed(town.charlie.token, channel=key, id=things[kind], **place))
        for things in (alices, random)
    )
    assert without(alices, *foreign) == without(random, *unknown)
    assert foreign[0]["problem"]["status"] == 404
    own = run(subscribed(town.alice.token, channel=key, id=alices[kind], **place))
    assert own[0]["type"] == "subscribed"


@pytest.mark.parametrize("key", of(Own))
def test_a_place_in_anothers_log_is_no_way_into_it(key, town):
    """One subscribes to what is one's own, and says one was in what is another's."""
    alices, own = town.alice.things, town.charlie.things[CHANNELS[key].kind]
    positions = {alices["execution"]: 0, alices["waiting"]: 0}
    heard = run(subscribed(town.charlie.token, channel=key, id=own, positions=positions))
    assert heard[0]["type"] == "subscribed"
    assert nothing_of(town.alice, json.dumps(heard))


@pytest.mark.parametrize("key", of(SignedIn))
def test_a_channel_of_ones_own_tells_of_nobody_else(key, town):
    alices = town.alice.things
    for positions in ({}, {alices["execution"]: 0, alices["waiting"]: 0}):
        heard = run(subscribed(town.charlie.token, channel=key, positions=positions))
        assert heard[0]["type"] == "subscribed"
        assert nothing_of(town.alice, json.dumps(heard))
    positions = {alices["waiting"]: 0}
    own = run(subscribed(town.alice.token, channel=key, positions=positions))
    assert not nothing_of(town.alice, json.dumps(own))


@pytest.mark.parametrize("key", of(Staff))
def test_a_channel_for_staff_is_for_staff(key, town):
    [told] = run(subscribed(town.charlie.token, channel=key))
    assert told["problem"]["status"] == CHANNELS[key].told
    ada = create_token(user=town.ada, name="", by=town.ada)[1]
    assert run(subscribed(ada, channel=key))[0]["type"] == "subscribed"


# --- streams


async def streamed(url: str, home: Home, last: str) -> str:
    """What a stream says for a moment to who says that they had this event."""
    client = AsyncClient()
    headers = {
        "Accept": "text/event-stream",
        "Authorization": f"Token {home.token}",
        **({"Last-Event-ID": last} if last else {}),
    }
    answer = await client.get(url, headers=headers)
    if not answer.streaming:
        return answer.content.decode()
    parts: list[str] = []

    async def read() -> None:
        async for part in answer:
            parts.append(part.decode())

    task = asyncio.ensure_future(read())
    await asyncio.wait([task], timeout=UNHEARD_S * 2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    with connection_kept():
        answer.close()
    return "".join(parts)


@pytest.mark.parametrize("route", STREAMS, ids=lambda route: route.address)
def test_a_stream_goes_on_in_no_log_of_anothers(route, town: Town):
    url = route.url(values(route, getattr(policy_of(route), "kind", ""), town.charlie.things))
    foreign = town.alice.things["execution"]
    for last in ("", f"{foreign}:0", f"{foreign}:1,{town.alice.things['waiting']}:0", "1"):
        text = run(streamed(url, town.charlie, last))
        assert nothing_of(town.alice, text.replace(last, "") if last else text)
    if isinstance(policy_of(route), Own | SignedIn):
        waiting = town.charlie.things["waiting"]
        cursor = "" if isinstance(policy_of(route), Own) else f"{waiting}:0"
        assert not nothing_of(town.charlie, run(streamed(url, town.charlie, cursor)))
