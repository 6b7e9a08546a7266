"""A remote tool is called through the one door, and what goes wrong with it is an answer."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from rest_framework.test import APIClient

from accounts.models import User
from audit.models import AuditEntry
from tests.factories.tools import GrantFactory
from tests.tools.conftest import called, request_for
from tests.tools.recorder import Recorder, Willing
from tests.tools.remote.conftest import Register, Running
from tools.calling import call_tool
from tools.catalogue import catalogue
from tools.models import McpServer, ToolCall, ToolSetting
from tools.permissions import GrantedPermissions

pytestmark = pytest.mark.django_db

LARGE = 60_000
HUGE = 5_000_000
PROCESS = {"transport": "stdio", "command": "here", "url": ""}


def answer_of(key: str, user: User | None = None, **arguments: Any) -> Any:
    """Of a call through the door; the permissions are those of the user, or all."""
    permissions = GrantedPermissions() if user else Willing()
    return called(request_for(key, user, arguments=arguments), Recorder(), permissions)


def test_a_tool_of_a_server_is_tried_over_the_api_and_recorded(
    register: Register, running: Running, office: APIClient
) -> None:
    register(headers={"Authorization": "Bearer hunter2"})
    response = office.post("/api/v1/tools/near__add_two/call/", {"arguments": {"first": 40}})
    answer = response.json()
    assert (answer["status"], answer["data"]) == ("succeeded", {"sum": 42})
    call = ToolCall.objects.get()
    assert (call.tool, call.arguments, call.data) == ("near__add_two", {"first": 40}, {"sum": 42})
    assert {headers["authorization"] for _, headers in running.requests} == {"Bearer hunter2"}
    assert running.requests[-1][0] == "DELETE", "the session was ended"


def test_the_older_way_of_http_answers_alike(register: Register, running: Running) -> None:
    register(transport="sse", url=f"{running.address}/sse")
    assert answer_of("near__echo", text="hello").text == "hello"
    assert answer_of("near__fail", reason="none").error == "tool_failed"


def test_a_server_that_knows_its_address_without_the_last_slash_is_reached_all_the_same(
    register: Register, running: Running
) -> None:
    register(url=f"{running.address}/mcp/", headers={"X-Team": "ours"})
    assert answer_of("near__reflect").data["x-team"] == "ours"


@pytest.mark.parametrize("charset", ["punycode", "undefined"])
def test_what_a_server_says_is_read_as_utf_8_whatever_it_is_said_to_be(
    register: Register, running: Running, charset: str
) -> None:
    running.charset = charset
    register()
    assert answer_of("near__echo", text="Grüße").text == "Grüße"


def test_a_process_is_started_for_a_call_and_ended(register: Register) -> None:
    register(**PROCESS)
    assert answer_of("near__echo", text="hello").text == "hello"
    assert answer_of("near__leave").error == "mcp_unreachable"
    hanging = called(request_for("near__hang", timeout_s=0.3), Recorder())
    assert hanging.error == "tool_timed_out"


def test_a_process_that_stays_is_ended_though_the_time_is_over_meanwhile(
    register: Register,
) -> None:
    register(**PROCESS)

    async def scenario() -> Any:
        async with asyncio.timeout(20):
            return await call_tool(request_for("near__linger", timeout_s=1), Recorder(), Willing())

    assert async_to_sync(scenario)().error == "tool_timed_out"


@pytest.mark.parametrize(
    "line",
    [
        r'{"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": "\ud83d"}]}}',
        r'{"result": {"content": [{"type": "text", "text": "\ud83d"}]}, "jsonrpc": "2.0", "id": 1}',
        '{"jsonrpc": "2.0", "id": 1, "result": null}',
    ],
)
def test_a_process_whose_answer_cannot_be_read_is_not_waited_for(
    register: Register, line: str
) -> None:
    register(**PROCESS)
    said = called(request_for("near__say", arguments={"text": line}, timeout_s=20), Recorder())
    assert said.error == "mcp_protocol_error"


def test_what_a_process_says_beside_its_answers_is_passed_over(register: Register) -> None:
    register(**PROCESS)
    assert answer_of("near__say", text="Listening to you").text == "Listening to you"


@pytest.mark.parametrize(
    ("tool", "arguments", "told"),
    [
        ("echo", {}, "'text' is a required property"),
        ("add_two", {"first": "many"}, "first: 'many' is not of type 'integer'"),
        ("visit", {"address": {"number": 2}}, "address: 'street' is a required property"),
        ("echo", ["text"], "have to be a JSON object"),
    ],
)
def test_arguments_that_do_not_fit_the_schema_never_reach_the_server(
    register: Register, running: Running, tool: str, arguments: Any, told: str
) -> None:
    register()
    running.requests.clear()
    answer = called(request_for(f"near__{tool}", arguments=arguments), Recorder())
    assert answer.error == "invalid_arguments"
    assert told in answer.message
    assert running.requests == []


def test_what_a_tool_says_went_wrong_is_told_to_the_model(register: Register) -> None:
    register()
    answer = answer_of("near__fail", reason="the moon")
    assert (answer.status, answer.error) == ("failed", "tool_failed")
    assert "the moon" in answer.told


@pytest.mark.parametrize(("transport", "path"), [("streamable_http", "/mcp"), ("sse", "/sse")])
def test_a_server_that_repeats_its_headers_tells_nobody_what_is_in_them(
    register: Register, running: Running, transport: str, path: str
) -> None:
    register(
        transport=transport,
        url=f"{running.address}{path}?key=a+key/of+its+own",
        headers={"Authorization": "Bearer 7/hunters+2", "X-Version": "2022-06-28"},
    )
    answer = answer_of("near__reflect")
    assert (answer.data["authorization"], answer.data["x-version"]) == ("***", "2022-06-28")
    failed = answer_of("near__reflect", fails=True)
    assert failed.error == "tool_failed"
    told = json.dumps(
        [[answer.text, failed.told], list(ToolCall.objects.values("text", "data"))], default=str
    )
    assert "hunters" not in told
    assert "of its own" not in told


def test_a_tool_that_hangs_is_given_up(register: Register, running: Running) -> None:
    """Where the time is over before there is a session to end, on a slow machine, it gets more."""
    register()
    for timeout_s in (0.3, 3, 30):
        answer = called(request_for("near__hang", timeout_s=timeout_s), Recorder())
        assert (answer.status, answer.error) == ("timed_out", "tool_timed_out")
        if running.requests[-1][0] == "DELETE":
            return
    raise AssertionError("its session was never ended")


@pytest.mark.parametrize(("transport", "path"), [("streamable_http", "/mcp"), ("sse", "/sse")])
def test_a_call_may_take_as_long_as_its_node_says_and_longer_than_its_server_may(
    register: Register, running: Running, office: APIClient, transport: str, path: str
) -> None:
    server = register(transport=transport, url=running.address + path)
    changed = office.patch(f"/api/v1/mcp-servers/{server.pk}/", {"timeout_s": 1})
    assert changed.status_code == 200, changed.json()
    answer = called(request_for("near__hang", timeout_s=4), Recorder())
    assert (answer.status, answer.error) == ("timed_out", "tool_timed_out")
    assert "within 4 s" in answer.message


def test_a_call_that_is_stopped_ends_its_session_and_is_settled(
    register: Register, running: Running
) -> None:
    register()
    recorder = Recorder()

    async def scenario() -> bool:
        request = request_for("near__hang")
        task = asyncio.create_task(call_tool(request, recorder, Willing()))
        assert await asyncio.to_thread(running.hanging.wait, 20)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert async_to_sync(scenario)()
    assert (recorder.call.status, recorder.call.error_code) == ("cancelled", "cancelled")
    assert running.requests[-1][0] == "DELETE"


def test_an_answer_has_a_limit(register: Register) -> None:
    register()
    large = answer_of("near__much", characters=LARGE)
    assert large.status == "succeeded"
    assert len(large.text) < LARGE
    assert "[…cut here]" in large.text
    assert answer_of("near__much", characters=HUGE).error == "egress_too_large"


def test_what_is_no_text_is_told_of(register: Register) -> None:
    register()
    assert answer_of("near__picture").text == "Look:\n[image, image/png, 300 bytes, not shown]"


def test_a_server_that_is_gone_is_an_answer(register: Register) -> None:
    server = register()
    McpServer.objects.filter(pk=server.pk).update(url="http://127.0.0.1:1/mcp")
    catalogue.forget()
    assert answer_of("near__echo", text="hello").error == "mcp_unreachable"


def test_a_server_on_a_private_address_is_reached_only_where_it_was_allowed(
    register: Register, running: Running, settings: Any
) -> None:
    register()
    running.requests.clear()
    settings.CHATTER_EGRESS_ALLOW = []
    assert answer_of("near__echo", text="hello").error == "egress_address_refused"
    assert running.requests == []


def test_a_process_is_given_nothing_of_the_servers_own_environment(
    register: Register, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATTER_SECRET_OF_OURS", "x")
    line = settings.CHATTER_MCP_COMMANDS["here"]
    settings.CHATTER_MCP_COMMANDS["here"] = {"command": line, "env": {"GIVEN": "yes"}}
    register(**PROCESS)
    names = answer_of("near__environment").text.split()
    assert "GIVEN" in names
    assert "CHATTER_SECRET_OF_OURS" not in names


def test_only_staff_may_use_a_new_tool_until_it_is_opened_or_granted(
    register: Register, admin: User, alice: User, charlie: User
) -> None:
    register()
    arguments = {"text": "hello"}
    assert answer_of("near__echo", admin, **arguments).status == "succeeded"
    assert answer_of("near__echo", alice, **arguments).error == "tool_not_granted"
    assert AuditEntry.objects.get(action="tools.call.refused").detail["tool"] == "near__echo"
    GrantFactory(user=alice, tool="scope:mcp:near", calls_per_hour=1)
    ends = [answer_of("near__echo", alice, **arguments) for _ in range(2)]
    assert [end.error or end.status for end in ends] == ["succeeded", "tool_rate_limited"]
    assert answer_of("near__echo", charlie, **arguments).error == "tool_not_granted"
    ToolSetting.objects.filter(tool="near__echo").update(open_to_all=True)
    assert answer_of("near__echo", charlie, **arguments).status == "succeeded"


def test_the_tools_of_a_server_that_is_switched_off_are_nobodys(
    register: Register, office: APIClient, admin: User, api: Callable[[User], APIClient]
) -> None:
    server = register()
    listed = office.get("/api/v1/tools/").json()["results"]
    mine = next(tool for tool in listed if tool["key"] == "near__echo")
    assert (mine["server"], mine["scopes"]) == ("near", ["network", "mcp:near"])
    office.patch(f"/api/v1/mcp-servers/{server.pk}/", {"enabled": False})
    assert answer_of("near__echo", admin, text="hello").error == "tool_disabled"
    listed = office.get("/api/v1/tools/").json()["results"]
    assert not any(tool["key"].startswith("near__") for tool in listed)
