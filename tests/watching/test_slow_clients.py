"""Against a server process and real sockets: a client that does not read costs nobody anything."""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import websockets
from asgiref.sync import async_to_sync
from websockets.exceptions import ConnectionClosed

from tests.approvals.desk import letter
from tests.drills.listening import PATIENCE_S, begin, browser, log_of, with_token
from tests.drills.server import Chatter, chatter
from tests.watching.protocol import check_told

pytestmark = pytest.mark.slow

A_LOT = "echo: " + "x" * 95_000
MIB = 1024
MOST_MIB = 12
MOST_AT_ONCE_MIB = 20  # a body that is kept whole takes 34


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chatter]:
    """Only the bell tells it that somebody may not stay."""
    home = tmp_path_factory.mktemp("live")
    with chatter(home, CHATTER_POLL_S="0.5", LIVE_RECHECK_S="3600") as running:
        running.furnish(people=["alice", "bob", "carol", "dan"])
        running.start()
        yield running


async def open_socket(server: Chatter, name: str, *, slow: bool = False) -> Any:
    """A slow one takes little into its own hands before it is read from."""
    narrow: dict[str, Any] = {"max_queue": 1} if slow else {"max_queue": None}
    options = {**with_token(server.people[name]), **narrow, "max_size": None, "ping_timeout": None}
    return await websockets.connect(f"{server.ws_url}/ws/v1/", **options)


async def ask(socket: Any, **body: Any) -> None:
    await socket.send(json.dumps(body))


async def hear(socket: Any) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE_S):
        body: dict[str, Any] = json.loads(await socket.recv())
    check_told(body)
    return body


async def events_until(socket: Any, ends: int) -> dict[str, list[dict[str, Any]]]:
    """The events by execution, until so many executions have ended."""
    found: dict[str, list[dict[str, Any]]] = {}
    while ends:
        told = await hear(socket)
        if told["type"] == "event":
            found.setdefault(told["event"]["execution"], []).append(told["event"])
            ends -= told["event"]["type"] == "execution.completed"
    return found


def resident_mib(server: Chatter) -> float:
    assert server._process is not None
    status = Path(f"/proc/{server._process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / MIB


def peak_mib(server: Chatter) -> float:
    """The most it has had at once."""
    assert server._process is not None
    status = Path(f"/proc/{server._process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / MIB


async def watch_all(server: Chatter, *, slow: bool, **cursor: Any) -> Any:
    socket = await open_socket(server, "alice", slow=slow)
    await ask(socket, type="subscribe", channel="user", **cursor)
    assert (await hear(socket))["type"] == "subscribed"
    return socket


def test_a_client_that_does_not_read_is_told_all_in_the_end_and_costs_no_memory(
    server: Chatter,
) -> None:
    alice = server.people["alice"]

    async def scenario() -> None:
        slow = await watch_all(server, slow=True)
        quick = await watch_all(server, slow=False)
        async with browser(server, alice) as client:
            runs = [(await begin(client, A_LOT))["id"] for _ in range(20)]
            heard = await events_until(quick, len(runs))
            logs = {one: await log_of(client, one) for one in runs}
        assert heard == logs

        before = resident_mib(server)
        again = dict.fromkeys(logs, 0)
        others = [await watch_all(server, slow=True, positions=again) for _ in range(12)]
        for _ in range(40):
            await ask(quick, type="ping")
            assert (await hear(quick))["type"] == "pong"
            await asyncio.sleep(0.05)
        told = len(others) * sum(len(json.dumps(log)) for log in logs.values()) / MIB**2
        assert resident_mib(server) - before < told / 3  # a sixth; nearly all if nobody waited

        for socket in (slow, others[0]):
            late = {one: [] for one in logs}  # type: dict[str, list[dict[str, Any]]]
            while late != logs:
                body = await hear(socket)
                if body["type"] == "event":
                    late[body["event"]["execution"]].append(body["event"])
        for socket in (slow, quick, *others):
            socket.transport.abort()

    async_to_sync(scenario)()


def test_a_client_that_reads_slowly_is_told_all_of_a_run_before_its_socket_is_closed(
    server: Chatter,
) -> None:
    alice = server.people["alice"]

    async def scenario() -> None:
        async with browser(server, alice) as client:
            run = (await begin(client, A_LOT))["id"]
            log = await log_of(client, run)
        path = f"{server.ws_url}/ws/executions/{run}/"
        options: dict[str, Any] = {"max_queue": 1, "max_size": None, "ping_timeout": None}
        slow = await websockets.connect(path, **with_token(alice), **options)
        heard = [json.loads(await slow.recv())]
        await asyncio.sleep(3)
        async with asyncio.timeout(PATIENCE_S):
            heard += [json.loads(text) async for text in slow]
        assert heard == [*log, {"type": "end", "execution": run, "seq": len(log)}]
        assert slow.close_code == 1000

    async_to_sync(scenario)()


def test_a_client_that_talks_and_does_not_listen_costs_no_memory(server: Chatter) -> None:
    """Each answer is longer than its question, so at some time nobody takes them any more."""
    wrong = {str(number): -1 for number in range(100)}
    question = json.dumps({"type": "subscribe", "channel": "user", "positions": wrong})
    long = json.dumps({"type": "ping"}) + " " * 99_000

    async def talk(socket: Any) -> None:
        for text in [question] * 1500 + [long] * 2000:
            await socket.send(text)

    async def scenario() -> None:
        before = resident_mib(server)
        others = [await open_socket(server, "alice", slow=True) for _ in range(2)]
        talking = [asyncio.create_task(talk(socket)) for socket in others]
        quick = await open_socket(server, "alice")
        for _ in range(60):
            await ask(quick, type="ping")
            assert (await hear(quick))["type"] == "pong"
            await asyncio.sleep(0.05)
        assert resident_mib(server) - before < MOST_MIB
        assert not any(task.done() for task in talking)
        for task in talking:
            task.cancel()
        for socket in (quick, *others):
            socket.transport.abort()

    async_to_sync(scenario)()


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "application/json"])
@pytest.mark.parametrize("chunks", [False, True], ids=["whole", "in chunks"])
def test_a_body_that_no_view_takes_costs_no_memory_and_holds_nobody_up(
    server: Chatter, kind: str, chunks: bool
) -> None:
    body = b"&" * (30 * MIB**2)
    before, began = resident_mib(server), time.monotonic()
    told = httpx2.post(
        f"{server.url}/api/v1/auth/token/",
        content=iter([body]) if chunks else body,
        headers={"Content-Type": kind},
        timeout=120,
    )
    assert told.status_code == (413 if kind == "application/json" else 415)
    assert peak_mib(server) - before < MOST_AT_ONCE_MIB
    assert time.monotonic() - began < PATIENCE_S / 2


def test_a_client_does_not_say_where_the_site_lies(server: Chatter) -> None:
    told = httpx2.get(f"{server.url}/chat/", headers={"Daphne-Root-Path": "//evil.example"})
    assert told.headers["location"] == "/login/?next=/chat/"


def test_a_token_that_is_revoked_ends_its_socket_and_its_stream(server: Chatter) -> None:
    bob = server.people["bob"]

    async def scenario() -> None:
        socket = await open_socket(server, "bob")
        await ask(socket, type="subscribe", channel="user")
        assert (await hear(socket))["type"] == "subscribed"
        async with browser(server, bob) as client:
            headers = {"Accept": "text/event-stream"}
            async with client.stream("GET", "/api/v1/events/", headers=headers) as stream:
                lines = stream.aiter_lines()
                while not (await anext(lines)).startswith("event: subscribed"):
                    pass
                tokens = (await client.get("/api/v1/auth/tokens/")).json()["results"]
                done = await client.delete(f"/api/v1/auth/tokens/{tokens[0]['id']}/")
                assert done.status_code in (200, 204)
                assert (await hear(socket))["problem"]["code"] == "invalid_token"
                with pytest.raises(ConnectionClosed) as closed:
                    await socket.recv()
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code == 4401
                rest = [line async for line in lines]
                assert "event: problem" in rest

    async_to_sync(scenario)()


def test_a_start_that_is_refused_is_told_on_the_socket_and_on_the_stream(server: Chatter) -> None:
    async def scenario() -> None:
        socket = await open_socket(server, "dan")
        await ask(socket, type="subscribe", channel="user")
        assert (await hear(socket))["type"] == "subscribed"
        async with browser(server, server.people["dan"]) as client, asyncio.timeout(PATIENCE_S):
            body = {"name": "x", "graph": letter(), "limits": {"concurrent": 1}}
            made = (await client.post("/api/v1/definitions/", json=body)).json()["id"]
            headers = {"Accept": "text/event-stream"}
            async with client.stream("GET", "/api/v1/events/", headers=headers) as stream:
                lines = stream.aiter_lines()
                while not (await anext(lines)).startswith("event: subscribed"):
                    pass
                address = f"/api/v1/definitions/{made}/execute/"
                told = [await client.post(address, json={"mode": "background"}) for _ in range(2)]
                assert [one.status_code for one in told] == [202, 429]
                while (heard := await hear(socket))["type"] == "event":
                    pass
                while (await anext(lines)) != "event: execution.refused":
                    pass
                streamed = json.loads((await anext(lines)).removeprefix("data: "))
        socket.transport.abort()
        said = heard["data"]
        assert (heard["type"], said["definition"]) == ("execution.refused", made)
        assert said["request_id"] == told[1].json()["request_id"]
        assert streamed["data"] == said

    async_to_sync(scenario)()


def test_a_stream_of_everything_goes_on_after_its_last_id(server: Chatter) -> None:
    """What ended before, what is under way and what began meanwhile, each event once."""
    carol = server.people["carol"]

    async def part(client: Any, last_id: str, count: int) -> tuple[str, list[dict[str, Any]]]:
        headers = {"Accept": "text/event-stream", "Last-Event-ID": last_id}
        had: list[dict[str, Any]] = []
        seen = ""
        async with client.stream("GET", "/api/v1/events/", headers=headers) as stream:
            kind = place = ""
            async for line in stream.aiter_lines():
                name, _, value = line.partition(": ")
                kind, place = (
                    (value if name == "event" else kind),
                    (value if name == "id" else place),
                )
                if name == "data" and kind != "subscribed":
                    had.append(json.loads(value))
                    seen = place
                if line == "" and kind == "subscribed" and not last_id and not had:
                    await begin(client, "say 9 words")
                    await begin(client, "say 9 words")
                if len(had) == count:
                    break
        return seen, had

    async def scenario() -> None:
        async with browser(server, carol) as client, asyncio.timeout(PATIENCE_S):
            last_id, first = await part(client, "", 5)
            third = (await begin(client, "say 9 words"))["id"]
            runs = (await client.get("/api/v1/executions/")).json()["results"][:3]
            logs = {one["id"]: await log_of(client, one["id"]) for one in runs}
            assert third in logs
            left = sum(map(len, logs.values())) - len(first)
            _, middle = await part(client, last_id, left // 2)
            heard = first + middle
            told: dict[str, list[dict[str, Any]]] = {}
            for event in heard:
                told.setdefault(event["execution"], []).append(event)
            assert all(events == logs[one][: len(events)] for one, events in told.items())

    async_to_sync(scenario)()
