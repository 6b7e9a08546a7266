"""`ws/v1/`: one socket watches many things, each as far as its owner may see it."""

import asyncio
import uuid
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from channels.testing import WebsocketCommunicator
from django.test import Client as Browser
from jsonschema import Draft202012Validator

from accounts.models import User
from analytics import dashboard
from audit.guesses import TOLD_EVERY
from audit.models import AuditEntry
from chatter_project.websockets import sockets
from tests.factories.accounts import UserFactory
from tests.watching.protocol import Client, document, kinds, token_of
from tests.watching.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def quick(settings: Any) -> None:
    settings.CHATTER_POLL_S = 0.05
    settings.LIVE_RECHECK_S = 0.05


@pytest.fixture(autouse=True)
def one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Channels drops a connection that is in a transaction; on PostgreSQL, tests are in one."""

    async def keep() -> None:
        return

    for module in ("channels.consumer", "channels.generic.websocket"):
        monkeypatch.setattr(f"{module}.aclose_old_connections", keep)


@pytest.fixture
def world(alice: User) -> World:
    return World(alice)


def run(scenario: Coroutine[Any, Any, None]) -> None:
    async def play() -> None:
        await scenario

    async_to_sync(play)()


def test_the_published_document_is_whole() -> None:
    described = document()
    Draft202012Validator.check_schema(
        {
            "$defs": described["components"]["schemas"],
            "$schema": Draft202012Validator.META_SCHEMA["$id"],
        }
    )
    for operation in described["operations"].values():
        named = operation["channel"]["$ref"].rpartition("/")[2]
        for reference in operation["messages"]:
            channel, name = reference["$ref"].split("/")[2::2]
            assert channel == named
            assert name in described["channels"][channel]["messages"]
            assert name in described["components"]["messages"]
    assert set(kinds("live", "receive")) == {"subscribe", "unsubscribe", "ping"}


def test_one_socket_watches_an_execution_a_conversation_and_everything(world: World) -> None:
    async def scenario() -> None:
        await world.begin(0)
        await world.happen(0, 2)
        execution, talk = str(world.lives[0].row.id), str(world.talk.id)
        async with Client(await sync_to_async(token_of)(world.user)) as client:
            assert await client.ask(type="ping", ref="r1") == {"type": "pong", "ref": "r1"}
            told = await client.ask(type="subscribe", channel="user", ref="u")
            assert told == {
                "type": "subscribed",
                "channel": "user",
                "ref": "u",
                "running": [execution],
            }
            told = await client.ask(type="subscribe", channel="conversation", id=talk)
            assert (told["conversation"]["id"], told["running"]) == (talk, [execution])
            assert [(await client.hear())["event"]["seq"] for _ in range(3)] == [1, 2, 3]
            await client.say(type="subscribe", channel="execution", id=execution, after=2)
            assert (await client.hear())["type"] == "subscribed"
            assert (await client.hear())["event"]["seq"] == 3
            await world.happen(0, 1, last=True)
            heard = [await client.hear() for _ in range(4)]
            assert sorted(one["channel"] for one in heard if one["type"] == "event") == [
                "conversation",
                "execution",
                "user",
            ]
            [end] = [one for one in heard if one["type"] == "end"]
            assert end == {"type": "end", "channel": "execution", "id": execution, "seq": 4}
            told = await client.ask(type="unsubscribe", channel="user", ref="x")
            assert told == {"type": "unsubscribed", "channel": "user", "ref": "x"}
            await world.begin(0)
            assert (await client.hear())["channel"] == "conversation"
            assert await client.is_silent()

    run(scenario())


def test_a_tab_that_comes_back_after_a_change_of_the_key_logs_nobody_out(
    alice: User, settings: Any
) -> None:
    browser = Browser()
    browser.force_login(alice)

    async def scenario() -> None:
        async with Client(session=browser.session.session_key or "") as client:
            assert (await client.ask(type="subscribe", channel="user"))["type"] == "subscribed"
            assert await client.is_silent(), "and asked again who it is, it stays"

    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another" * 10
    run(scenario())
    assert browser.get("/account/tokens/").status_code == 200


@pytest.mark.parametrize("channel", ["execution", "conversation", "dashboard"])
def test_what_is_anothers_is_not_there_in_any_channel(
    world: World, charlie: User, channel: str
) -> None:
    async def scenario() -> None:
        await world.begin(0)
        ids = {"execution": world.lives[0].row.id, "conversation": world.talk.id}
        async with Client(await sync_to_async(token_of)(charlie)) as client:
            codes = []
            for pk in (ids.get(channel), uuid.uuid4(), "nonsense"):
                named = {"id": str(pk)} if channel in ids else {}
                told = await client.ask(type="subscribe", channel=channel, ref="r", **named)
                assert (told["type"], told["channel"], told["ref"]) == ("error", channel, "r")
                codes.append((told["problem"]["status"], told["problem"]["code"]))
            assert len(set(codes)) == 1
            assert codes[0][0] == 404
            assert (await client.ask(type="ping"))["type"] == "pong"

    run(scenario())


def test_a_stranger_who_names_my_execution_in_a_cursor_is_told_nothing_of_it(
    world: World, charlie: User
) -> None:
    async def scenario() -> None:
        await world.begin(0)
        execution = str(world.lives[0].row.id)
        async with Client(await sync_to_async(token_of)(charlie)) as client:
            where: list[dict[str, Any]] = [
                {"after_execution": execution, "after": 0},
                {"positions": {execution: 0}},
            ]
            for named in where:
                told = await client.ask(type="subscribe", channel="user", **named)
                assert told["running"] == []
            await world.happen(0, 2)
            assert await client.is_silent()

    run(scenario())


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "malformed_body"),
        ("[]", "not_understood"),
        ('{"type": "dance", "ref": "r"}', "not_understood"),
        ('{"type": "subscribe", "channel": "weather", "ref": "r"}', "not_understood"),
        ('{"type": "subscribe", "channel": "execution", "ref": "r"}', "not_understood"),
        ('{"type": "subscribe", "channel": "user", "id": "x", "ref": "r"}', "not_understood"),
        ('{"type": "subscribe", "channel": "user", "since": 1, "ref": "r"}', "not_understood"),
        ('{"type": "subscribe", "channel": "user", "after": -1, "ref": "r"}', "not_understood"),
        ('{"type": "ping", "ref": "' + "r" * 65 + '"}', "not_understood"),
    ],
)
def test_what_is_not_understood_is_an_error_and_not_the_end(
    alice: User, text: str, code: str
) -> None:
    async def scenario() -> None:
        async with Client(await sync_to_async(token_of)(alice)) as client:
            await client.say_text(text)
            told = await client.hear()
            assert (told["type"], told["problem"]["code"]) == ("error", code)
            assert "_" not in told["problem"]["message"]
            assert ('"ref": "r"' in text) == (told.get("ref") == "r")
            assert (await client.ask(type="ping"))["type"] == "pong"

    run(scenario())


def test_who_is_nobody_is_told_so_and_closed(db: None) -> None:
    async def scenario() -> None:
        for token in ("", "chatter_00000000_" + "x" * 43):
            async with Client(token) as client:
                assert (await client.hear())["problem"]["status"] == 401
                assert await client.closed_with() == 4401

    run(scenario())


def test_a_page_at_an_address_of_ipv6_may_open_sockets(alice: User, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["[::1]"]
    token = token_of(alice)

    async def scenario() -> None:
        headers = [(b"origin", b"http://[::1]:8000"), (b"host", b"[::1]:8000")]
        async with Client(token, headers=headers) as client:
            assert (await client.ask(type="ping"))["type"] == "pong"

    run(scenario())


@pytest.mark.parametrize(("scheme", "code"), [(b"https", ""), (b"http", "other_site")])
def test_where_all_is_encrypted_a_page_that_is_not_is_of_another_site(
    alice: User, settings: Any, scheme: bytes, code: str
) -> None:
    settings.HTTPS = True
    token = token_of(alice)

    async def scenario() -> None:
        headers = [(b"origin", scheme + b"://testserver"), (b"host", b"testserver")]
        async with Client(token, headers=headers) as client:
            if code:
                assert (await client.hear())["problem"]["code"] == code
            else:
                assert (await client.ask(type="ping"))["type"] == "pong"

    run(scenario())


@pytest.mark.parametrize("origin", [b"https://elsewhere.example", b"null", b"http://[", b"http://"])
def test_a_page_of_another_site_is_told_so_as_of_any_other_problem(
    alice: User, origin: bytes
) -> None:
    token = token_of(alice)

    async def scenario() -> None:
        headers = [(b"origin", origin), (b"host", b"testserver")]
        async with Client(token, headers=headers) as client:
            assert (await client.hear())["problem"]["code"] == "other_site"
            assert await client.closed_with() == 4403

    run(scenario())


def test_an_address_of_bytes_that_are_no_text_is_refused_and_no_error_of_the_server(
    alice: User,
) -> None:
    offered = ["chatter.v1", f"token.{token_of(alice)}"]

    async def scenario() -> None:
        address = f"/ws/executions/{uuid.uuid4()}/"
        socket = WebsocketCommunicator(sockets, address, None, offered)
        socket.scope["query_string"] = b"after=\xff"
        await socket.connect()
        told = await socket.receive_json_from()
        assert (told["problem"], told["status"]) == ("bad_number", 400)
        assert (await socket.receive_output())["code"] == 4400

    run(scenario())


def test_subscriptions_and_connections_are_bounded(settings: Any, world: World) -> None:
    settings.LIVE_MAX_SUBSCRIPTIONS = settings.LIVE_MAX_CONNECTIONS = 1

    async def scenario() -> None:
        token = await sync_to_async(token_of)(world.user)
        async with Client(token) as client:
            talk = str(world.talk.id)
            assert (await client.ask(type="subscribe", channel="user"))["type"] == "subscribed"
            told = await client.ask(type="subscribe", channel="conversation", id=talk)
            assert told["problem"]["code"] == "too_many_subscriptions"
            async with Client(token) as another:
                assert (await another.hear())["problem"]["code"] == "too_many_connections"
                assert await another.closed_with() == 4429
            assert (await client.ask(type="unsubscribe", channel="user"))["type"] == "unsubscribed"
            told = await client.ask(type="subscribe", channel="conversation", id=talk)
            assert told["type"] == "subscribed"
        async with Client(token) as client:
            assert (await client.ask(type="ping"))["type"] == "pong"

    run(scenario())


def test_a_connection_that_the_server_gave_up_counts_no_more(settings: Any, alice: User) -> None:
    settings.LIVE_MAX_CONNECTIONS = 1

    async def scenario() -> None:
        token = await sync_to_async(token_of)(alice)
        given_up = Client(token)
        await given_up.__aenter__()
        assert (await given_up.ask(type="ping"))["type"] == "pong"
        await given_up.is_given_up()
        async with Client(token) as client:
            assert (await client.ask(type="ping"))["type"] == "pong"

    run(scenario())


def test_who_is_deactivated_is_cut_off(world: World) -> None:
    async def scenario() -> None:
        async with Client(await sync_to_async(token_of)(world.user)) as client:
            await client.ask(type="subscribe", channel="user")
            world.user.is_active = False
            await world.user.asave()
            assert (await client.hear())["problem"]["status"] == 401
            assert await client.closed_with() == 4401

    run(scenario())


def test_a_subscription_ends_when_what_it_watches_is_no_longer_mine(world: World) -> None:
    async def scenario() -> None:
        talk = str(world.talk.id)
        async with Client(await sync_to_async(token_of)(world.user)) as client:
            await client.ask(type="subscribe", channel="conversation", id=talk)
            await client.ask(type="subscribe", channel="user")
            world.talk.owner = await sync_to_async(UserFactory)()
            await world.talk.asave()
            told = await client.hear()
            assert (told["type"], told["channel"], told["id"]) == ("error", "conversation", talk)
            assert told["problem"]["status"] == 404
            await world.begin(0)
            assert (await client.hear())["channel"] == "user"
            assert await client.is_silent()

    run(scenario())


def test_the_dashboard_is_for_staff_and_only_as_long_as_they_are(world: World, admin: User) -> None:
    async def scenario() -> None:
        async with Client(await sync_to_async(token_of)(admin)) as client:
            told = await client.ask(type="subscribe", channel="dashboard")
            assert told["counters"]["running"] == told["counters"]["queued"] == 0
            await world.begin(0)
            assert (await client.hear())["counters"]["queued"] == 1
            admin.is_staff = False
            await admin.asave()
            told = await client.hear()
            assert (told["channel"], told["problem"]["status"]) == ("dashboard", 404)

    run(scenario())


def test_the_dashboard_goes_on_after_counting_went_wrong(
    world: World, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with Client(await sync_to_async(token_of)(admin)) as client:
            await client.ask(type="subscribe", channel="dashboard")
            monkeypatch.setattr(dashboard, "usage_today", broken_once(dashboard.usage_today))
            await world.begin(0)
            assert (await client.hear())["counters"]["queued"] == 1

    run(scenario())


def broken_once(function: Callable[[], Any]) -> Callable[[], Any]:
    left = [RuntimeError("a bug")]

    def broken() -> Any:
        if left:
            raise left.pop()
        return function()

    return broken


async def guesses_told() -> AuditEntry:
    """Nobody waits for the entry but this."""
    async with asyncio.timeout(5):
        while True:
            async for told in AuditEntry.objects.filter(action="audit.guesses.counted"):
                return told
            await asyncio.sleep(0.01)


def test_who_tries_ids_over_a_socket_is_told_of_in_the_audit_trail(alice: User) -> None:
    async def scenario() -> None:
        async with Client(await sync_to_async(token_of)(alice)) as client:
            for _ in range(TOLD_EVERY):
                await client.say(type="subscribe", channel="execution", id=str(uuid.uuid4()))
                assert (await client.hear())["problem"]["status"] == 404
            told = await guesses_told()
        assert (told.actor_id, told.outcome) == (alice.pk, "denied")
        assert told.detail == {"of": "ids", "count": TOLD_EVERY}

    run(scenario())


def test_who_tries_tokens_over_sockets_is_told_of_by_address() -> None:
    async def scenario() -> None:
        for number in range(TOLD_EVERY):
            scope = {"client": ["203.0.113.9", 1]}
            async with Client(f"chatter_{number:08d}_nothing", **scope) as client:
                assert (await client.hear())["problem"]["code"] == "invalid_token"
        told = await guesses_told()
        assert (told.actor_id, told.detail["of"]) == (None, "tokens")
        assert told.personal_content == {"address": "203.0.113.9"}

    run(scenario())
