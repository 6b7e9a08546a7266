"""Promise 5: a client that says "I have k" gets k+1 … N exactly once, however it was cut off.

Against a server process with real sockets, once as it is and once with a bell that never rings (its
calls do nothing and its channel layer drops every message).
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import pytest
import websockets
from asgiref.sync import async_to_sync

from core.models import new_id
from tests.drills.listening import (
    begin,
    browser,
    listen,
    listen_at,
    log_of,
    read_stream,
    with_session,
    with_token,
)
from tests.drills.server import Chatter, Person, chatter

pytestmark = pytest.mark.slow

SAYS_A_LOT = "think about sockets, then say 20 words"
AT_LEAST = 16
BELLS = {"rung": "", "silenced": "tests.drills.serving"}


@pytest.fixture(scope="module", params=BELLS)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Chatter]:
    """Words come slower than they are coalesced, so that each is an event of its own."""
    with chatter(tmp_path_factory.mktemp(request.param), CHATTER_POLL_S="0.2") as running:
        running.furnish(
            people=["alice", "charlie"],
            profile_parameters={"demo:chatter-demo": {"delay_ms_per_word": 60}},
        )
        running.start(module=BELLS[request.param])
        yield running


@pytest.fixture(scope="module")
def alice(server: Chatter) -> Person:
    return server.people["alice"]


@pytest.fixture(scope="module")
def finished(server: Chatter, alice: Person) -> tuple[str, list[dict[str, Any]]]:
    """A run that is over, and its log."""

    async def scenario() -> tuple[str, list[dict[str, Any]]]:
        async with browser(server, alice) as client:
            execution = await begin(client, SAYS_A_LOT)
            return execution["id"], await log_of(client, execution["id"])

    execution, log = async_to_sync(scenario)()
    assert [event["seq"] for event in log] == list(range(1, len(log) + 1))
    assert len(log) >= AT_LEAST
    assert {"text.delta", "reasoning.delta", "node.started"} <= {event["type"] for event in log}
    return execution, log


def test_a_socket_cut_at_any_event_of_a_finished_run_goes_on_where_it_was(
    server: Chatter, alice: Person, finished: tuple[str, list[dict[str, Any]]]
) -> None:
    execution, log = finished

    async def cut_at(index: int) -> None:
        before = await listen(server, execution, with_token(alice), cut_after=index)
        after = await listen(server, execution, with_token(alice), after=index)
        assert after.close_code == 1000, (index, after.frames[-1:])
        assert before.frames + after.events == log, index
        assert after.frames[-1] == {"type": "end", "execution": execution, "seq": len(log)}

    async_to_sync(_for_each)(cut_at, len(log) + 1)


def test_a_socket_cut_at_any_event_of_a_run_under_way_goes_on_where_it_was(
    server: Chatter, alice: Person
) -> None:
    """A run of its own for every place to cut, all of them at once."""

    async def scenario() -> None:
        async with browser(server, alice) as client:
            indexes = range(AT_LEAST + 6)
            live = await asyncio.gather(*(cut_at(client, index) for index in indexes))
            assert sum(live) > AT_LEAST / 2, "hardly any run was under way when it was cut"

    async def cut_at(client: httpx2.AsyncClient, index: int) -> bool:
        execution = (await begin(client, SAYS_A_LOT))["id"]
        before = await listen(server, execution, with_token(alice), cut_after=index)
        under_way = await _status(client, execution) == "running"
        after = await listen(server, execution, with_token(alice), after=len(before.events))
        log = await log_of(client, execution)
        assert before.events + after.events == log, index
        assert after.frames[-1] == {"type": "end", "execution": execution, "seq": len(log)}
        return under_way

    async_to_sync(scenario)()


def test_a_client_that_is_cut_off_again_and_again_misses_nothing(
    server: Chatter, alice: Person
) -> None:
    """Three events, then gone, until the end; a session instead of a token."""

    async def scenario() -> None:
        async with browser(server, alice) as client:
            execution = (await begin(client, SAYS_A_LOT))["id"]
            got: list[dict[str, Any]] = []
            session = with_session(server, alice)
            while not got or not got[-1]["type"].startswith("execution.comp"):
                got += (
                    await listen(server, execution, session, after=len(got), cut_after=3)
                ).events
            assert got == await log_of(client, execution)

    async_to_sync(scenario)()


def test_a_stream_of_server_sent_events_goes_on_after_the_last_one_it_had(
    server: Chatter, alice: Person, finished: tuple[str, list[dict[str, Any]]]
) -> None:
    execution, log = finished
    address = f"/api/v1/executions/{execution}/events/"

    async def scenario() -> None:
        async with browser(server, alice) as client:

            async def cut_at(index: int) -> None:
                before = await read_stream(client, address, cut_after=index)
                after = await read_stream(client, address, last_event_id=index)
                assert [one.data for one in before + after[:-1]] == log, index
                assert [one.id for one in before + after[:-1]] == [str(e["seq"]) for e in log]
                assert [one.event for one in before + after[:-1]] == [e["type"] for e in log]
                assert after[-1].event == "end"
                assert after[-1].data == {
                    "type": "end",
                    "execution": execution,
                    "seq": len(log),
                }, index

            await _for_each(cut_at, len(log) + 1)

    async_to_sync(scenario)()


def test_a_live_stream_of_server_sent_events_goes_on_after_the_last_one_it_had(
    server: Chatter, alice: Person
) -> None:
    async def cut_at(client: httpx2.AsyncClient, index: int) -> None:
        execution = (await begin(client, SAYS_A_LOT))["id"]
        address = f"/api/v1/executions/{execution}/events/"
        before = await read_stream(client, address, cut_after=index)
        had = [one for one in before if one.event != "end"]
        after = await read_stream(client, address, last_event_id=len(had))
        assert [one.data for one in [*had, *after[:-1]]] == await log_of(client, execution), index
        assert after[-1].event == "end"

    async def scenario() -> None:
        async with browser(server, alice) as client:
            await asyncio.gather(*(cut_at(client, index) for index in range(1, AT_LEAST, 2)))

    async_to_sync(scenario)()


def test_a_chat_that_is_streamed_is_the_log_too(server: Chatter, alice: Person) -> None:
    async def scenario() -> None:
        async with browser(server, alice) as client:
            request = client.stream(
                "POST", "/api/v1/chat/", json={"message": SAYS_A_LOT, "mode": "stream"}
            )
            async with request as told:
                ids = [line async for line in told.aiter_lines() if line.startswith("id: ")]
            listed = (await client.get("/api/v1/executions/")).json()["results"]
            log = await log_of(client, listed[0]["id"])
            assert ids == [f"id: {event['seq']}" for event in log]

    async_to_sync(scenario)()


def test_whoever_has_everything_of_a_finished_run_is_told_only_that_it_ended(
    server: Chatter, alice: Person, finished: tuple[str, list[dict[str, Any]]]
) -> None:
    execution, log = finished
    heard = async_to_sync(listen)(server, execution, with_token(alice), after=len(log))
    assert heard.frames == [{"type": "end", "execution": execution, "seq": len(log)}]
    assert heard.close_code == 1000


def test_a_page_of_the_log_begins_after_any_number(
    server: Chatter, alice: Person, finished: tuple[str, list[dict[str, Any]]]
) -> None:
    execution, log = finished

    async def scenario() -> None:
        async with browser(server, alice) as client:
            for after in range(len(log) + 1):
                address = f"/api/v1/executions/{execution}/events/?after={after}"
                page = (await client.get(address)).json()
                assert page["results"] == log[after:]
                assert page["last_seq"] == len(log)
                assert page["terminal"] is True

    async_to_sync(scenario)()


def test_a_conversation_is_followed_across_a_cut(server: Chatter, alice: Person) -> None:
    """What one socket heard of its runs and what the next one goes on with make up their logs."""

    async def scenario() -> None:
        async with browser(server, alice) as client:
            first = await begin(client, SAYS_A_LOT)
            address = f"/ws/conversations/{first['conversation']}/"
            before = await listen_at(server, address, with_token(alice), cut_after=12)
            assert before.frames[0]["type"] == "conversation"
            had = before.frames[1:]
            resumed = f"{address}?after_execution={first['id']}&after={had[-1]['seq']}"
            rest = asyncio.create_task(_until_two_ended(server, resumed, alice))
            second = await begin(client, "Hello again", conversation=first["conversation"])
            heard = had + await rest
            for execution in (first["id"], second["id"]):
                log = await log_of(client, execution)
                assert [one for one in heard if one["execution"] == execution] == log

    async_to_sync(scenario)()


# --- across a restart ----------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["stop", "kill"])
def test_a_client_goes_on_after_the_server_was_started_again(
    tmp_path_factory: pytest.TempPathFactory, ending: str
) -> None:
    home = tmp_path_factory.mktemp(ending)
    with chatter(home, CHATTER_LEASE_S="2", CHATTER_POLL_S="0.2") as server:
        server.furnish(
            people=["alice"],
            profile_parameters={"demo:chatter-demo": {"delay_ms_per_word": 60}},
        )
        alice = server.people["alice"]
        server.start()

        async def before() -> tuple[str, list[dict[str, Any]]]:
            async with browser(server, alice) as client:
                execution = (await begin(client, SAYS_A_LOT))["id"]
            return execution, (
                await listen(server, execution, with_token(alice), cut_after=20)
            ).events

        async def after() -> list[dict[str, Any]]:
            async with browser(server, alice) as client:
                heard = await listen(server, execution, with_token(alice), after=len(had))
                log = await log_of(client, execution)
            assert had + heard.events == log
            return log

        execution, had = async_to_sync(before)()
        getattr(server, ending)()
        server.start()
        log = async_to_sync(after)()
        assert [event["seq"] for event in log] == list(range(1, len(log) + 1))
        assert log[-1]["type"] == "execution.completed"
        types = [event["type"] for event in log]
        assert types.count("execution.resumed") == 1
        assert types.count("execution.handed_back") == (ending == "stop")
        assert _nodes(log, "node.finished") == ["start", "memory", "model", "end"]


# --- who may watch -------------------------------------------------------------------------------


def test_a_stranger_is_told_that_there_is_no_such_execution(
    server: Chatter, finished: tuple[str, list[dict[str, Any]]]
) -> None:
    for execution in (finished[0], str(new_id()), "nonsense"):
        _refused(server, execution, with_token(server.people["charlie"]), 4404, "not_found")
        session = with_session(server, server.people["charlie"])
        _refused(server, execution, session, 4404, "not_found")


def test_a_stranger_gets_no_stream_either(
    server: Chatter, finished: tuple[str, list[dict[str, Any]]]
) -> None:
    headers = {**server.people["charlie"].headers, "Accept": "text/event-stream"}
    address = f"{server.url}/api/v1/executions/{finished[0]}/events/"
    told = httpx2.get(address, headers=headers)
    assert (told.status_code, told.json()["code"]) == (404, "not_found")


def test_a_stream_is_asked_for_in_whatever_case(
    server: Chatter, finished: tuple[str, list[dict[str, Any]]]
) -> None:
    headers = {**server.people["alice"].headers, "Accept": "TEXT/Event-Stream"}
    told = httpx2.get(f"{server.url}/api/v1/executions/{finished[0]}/events/", headers=headers)
    assert told.headers["content-type"].startswith("text/event-stream")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"subprotocols": ["chatter.v1"]},
        {"subprotocols": ["chatter.v1", "token.chatter_00000000_" + "x" * 43]},
        {"additional_headers": {"Cookie": "sessionid=nobodys"}},
    ],
    ids=["nothing", "no token", "wrong token", "wrong session"],
)
def test_whoever_does_not_say_who_they_are_is_turned_away(
    server: Chatter, finished: tuple[str, list[dict[str, Any]]], options: dict[str, Any]
) -> None:
    code = "invalid_token" if len(options.get("subprotocols", ())) == 2 else "not_authenticated"
    _refused(server, finished[0], options, 4401, code)


def test_a_page_of_another_site_cannot_use_the_session(
    server: Chatter, alice: Person, finished: tuple[str, list[dict[str, Any]]]
) -> None:
    for origin in ("http://evil.example", "http://127.0.0.1:1", "null"):
        options = with_session(server, alice, origin)
        _refused(server, finished[0], options, 4403, "other_site")


def test_a_session_without_an_origin_counts_for_nothing(
    server: Chatter, alice: Person, finished: tuple[str, list[dict[str, Any]]]
) -> None:
    """What sends no origin is no browser, and may have the cookies of one."""
    cookies = {"additional_headers": {"Cookie": f"sessionid={alice.session}"}}
    _refused(server, finished[0], cookies, 4401, "not_authenticated")


@pytest.mark.parametrize("after", ["-1", "one", "1.5", "1e3", "9" * 30, "%00", "0x1"])
def test_a_number_that_is_none_is_refused(
    server: Chatter,
    alice: Person,
    finished: tuple[str, list[dict[str, Any]]],
    after: str,
) -> None:
    heard = async_to_sync(listen)(server, finished[0], with_token(alice), after=after)
    assert heard.close_code == 4400
    (frame,) = heard.frames
    assert (frame["type"], frame["status"]) == ("error", 400)


# --- how -----------------------------------------------------------------------------------------


def _refused(
    server: Chatter, execution: str, options: dict[str, Any], close_code: int, code: str
) -> None:
    heard = async_to_sync(listen)(server, execution, options)
    assert heard.close_code == close_code
    (frame,) = heard.frames
    assert (frame["type"], frame["code"]) == ("error", code)
    assert {"status", "title", "message", "detail", "request_id"} <= frame.keys()


async def _for_each(act: Any, count: int, at_once: int = 8) -> None:
    """Do something for each of 0 … count - 1, a few at a time."""
    room = asyncio.Semaphore(at_once)

    async def one(index: int) -> None:
        async with room:
            await act(index)

    await asyncio.gather(*(one(index) for index in range(count)))


async def _status(client: httpx2.AsyncClient, execution: str) -> str:
    return str((await client.get(f"/api/v1/executions/{execution}/")).json()["status"])


async def _until_two_ended(server: Chatter, path: str, person: Person) -> list[dict[str, Any]]:
    """The events of a conversation until two of its executions are over."""
    events: list[dict[str, Any]] = []
    async for frame in _frames(server, path, person):
        if "seq" in frame:
            events.append(frame)
        if sum(event["type"] == "execution.completed" for event in events) == 2:
            break
    return events


async def _frames(server: Chatter, path: str, person: Person) -> AsyncIterator[dict[str, Any]]:
    async with (
        asyncio.timeout(40),
        websockets.connect(server.ws_url + path, **with_token(person)) as socket,
    ):
        async for text in socket:
            yield json.loads(text)


def _nodes(log: list[dict[str, Any]], kind: str) -> list[str]:
    return [event["data"]["node"] for event in log if event["type"] == kind]
