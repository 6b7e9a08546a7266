"""Tools and their ledger over the API."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from audit.models import AuditEntry
from core import clock
from core.models import new_id
from tests.factories.tools import GrantFactory, ToolCallFactory
from tools.catalogue import catalogue
from tools.models import ToolCall, ToolSetting

pytestmark = pytest.mark.django_db

Api = Callable[[User], APIClient]
CALL = "/api/v1/tools/calculator/call/"


def results(client: APIClient, path: str, **query: Any) -> list[dict[str, Any]]:
    response = client.get(path, query)
    assert response.status_code == 200, response.json()
    found: list[dict[str, Any]] = response.json()["results"]
    return found


def test_the_tools_one_may_use_are_listed_with_their_schema(api: Api, alice: User) -> None:
    shown = results(api(alice), "/api/v1/tools/")
    assert [tool["key"] for tool in shown][:2] == ["calculator", "clock"]
    calculator = shown[0]
    assert calculator["parameters"]["required"] == ["expression"]
    assert calculator["statistics"]["calls"] == 0
    assert next(tool for tool in shown if tool["key"] == "http_get")["scopes"] == ["network"]


def test_a_tool_one_may_not_use_is_not_listed(api: Api, alice: User, charlie: User) -> None:
    GrantFactory(user=alice, allow=False)
    keys = [
        [tool["key"] for tool in results(api(user), "/api/v1/tools/")] for user in (alice, charlie)
    ]
    assert "calculator" not in keys[0]
    assert "calculator" in keys[1]


def test_statistics_count_what_one_may_see(
    api: Api, alice: User, charlie: User, admin: User
) -> None:
    ToolCallFactory(user=alice, latency_ms=10)
    ToolCallFactory(user=alice, latency_ms=30)
    ToolCallFactory(user=alice, status="timed_out", error_code="tool_timed_out", latency_ms=9_999)
    ToolCallFactory(user=alice, status="refused", error_code="tool_denied")
    ToolCallFactory(user=alice, status="open", settled_at=None)
    ToolCallFactory(user=charlie)
    counted = results(api(alice), "/api/v1/tools/")[0]["statistics"]
    assert counted.pop("last_called_at")
    assert counted == {
        "calls": 5,
        "succeeded": 2,
        "refused": 1,
        "failed": 1,
        "mean_latency_ms": 20.0,
    }
    assert results(api(admin), "/api/v1/tools/")[0]["statistics"]["calls"] == 6


def test_a_tool_can_be_tried(api: Api, alice: User) -> None:
    response = api(alice).post(CALL, {"arguments": {"expression": "6 * 7"}})
    assert response.status_code == 200, response.json()
    answer = response.json()
    call = ToolCall.objects.get()
    assert answer == {
        "call": str(call.pk),
        "status": "succeeded",
        "text": "42",
        "data": {"decimal": "42", "exact": True, "fraction": "42"},
        "error": None,
    }
    assert (call.user_id, call.status, call.text) == (alice.pk, "succeeded", "42")
    assert call.data == answer["data"]
    assert call.origin.startswith("api:")
    assert call.request_id == response.headers["X-Request-ID"]
    assert call.settled_at is not None


def test_what_a_tool_cannot_do_is_told_as_a_model_is_told(api: Api, alice: User) -> None:
    for arguments, code in (({"expression": "1/0"}, "tool_failed"), ({}, "invalid_arguments")):
        response = api(alice).post(CALL, {"arguments": arguments})
        assert (response.status_code, response.json()["error"]["code"]) == (200, code)
        assert ToolCall.objects.get(pk=response.json()["call"]).error_code == code


def test_a_refusal_is_a_403_a_row_and_an_entry(api: Api, alice: User) -> None:
    ToolSetting.objects.update(open_to_all=False)
    response = api(alice).post(CALL, {"arguments": {"expression": "1"}})
    assert (response.status_code, response.json()["code"]) == (403, "tool_not_granted")
    assert ToolCall.objects.get().status == "refused"
    entry = AuditEntry.objects.get(action="tools.call.refused")
    assert entry.target == f"tools.toolcall:{ToolCall.objects.get().pk}"


def test_whoever_has_used_up_an_hour_is_told_when_the_next_begins(
    api: Api, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    GrantFactory(calls_per_hour=1)
    now = datetime(2026, 7, 1, 10, 59, 18, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: now)
    client, body = api(alice), {"arguments": {"expression": "1"}}
    assert client.post(CALL, body).status_code == 200
    refused = client.post(CALL, body)
    assert (refused.status_code, refused.json()["code"]) == (429, "tool_rate_limited")
    assert refused["Retry-After"] == "42"


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/api/v1/tools/nothing/call/", {}, 404, "tool_not_found"),
        (CALL, {"arguments": "1 + 1"}, 400, "invalid"),
        (CALL, {"expression": "1 + 1"}, 400, "invalid"),
    ],
)
def test_what_is_no_call_leaves_no_row(
    api: Api, alice: User, path: str, body: Any, status: int, code: str
) -> None:
    response = api(alice).post(path, body)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert not ToolCall.objects.exists()


def test_calls_are_found_by_execution_and_shown_whole_one_by_one(api: Api, alice: User) -> None:
    execution = new_id()
    call = ToolCallFactory(user=alice, origin=f"execution:{execution}", request_id="r-1")
    ToolCallFactory(user=alice, tool="clock")
    (listed,) = results(api(alice), "/api/v1/tool-calls/", execution=str(execution))
    assert (listed["id"], listed["execution"]) == (str(call.pk), str(execution))
    assert listed["arguments"] == {"expression": "1 + 1"}
    assert "data" not in listed
    whole = api(alice).get(f"/api/v1/tool-calls/{call.pk}/").json()
    assert (whole["text"], whole["data"], whole["error"]) == ("2", {"decimal": "2"}, None)
    (clock,) = results(api(alice), "/api/v1/tool-calls/", tool="clock")
    assert clock["tool"] == "clock"


def test_nobody_sees_the_calls_of_others(api: Api, alice: User, charlie: User, admin: User) -> None:
    call = ToolCallFactory(user=alice)
    execution = call.origin.removeprefix("execution:")
    assert results(api(charlie), "/api/v1/tool-calls/") == []
    assert results(api(charlie), "/api/v1/tool-calls/", execution=execution) == []
    assert api(charlie).get(f"/api/v1/tool-calls/{call.pk}/").status_code == 404
    assert len(results(api(admin), "/api/v1/tool-calls/")) == 1


@pytest.mark.parametrize("path", ["/api/v1/tools/", "/api/v1/tool-calls/"])
def test_one_has_to_sign_in(path: str) -> None:
    assert APIClient().get(path).status_code == 401
    assert APIClient().post(CALL, {}).status_code == 401


@pytest.mark.parametrize("path", ["/api/v1/tools/", "/api/v1/tool-calls/"])
def test_a_list_costs_as_many_queries_for_20_rows_as_for_1(
    api: Api, alice: User, path: str, django_assert_num_queries: Any
) -> None:
    client = api(alice)
    ToolCallFactory(user=alice)
    # session, user, then settings, grants and remote tools, rows
    count = 6 if path.endswith("tools/") else 3
    with django_assert_num_queries(count):
        client.get(path)
    ToolCallFactory.create_batch(19, user=alice)
    GrantFactory.create_batch(19)
    catalogue.forget()
    with django_assert_num_queries(count):
        client.get(path)
