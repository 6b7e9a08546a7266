"""Grants and switches of tools over the API, for staff."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group
from rest_framework.test import APIClient

from accounts.models import User
from audit.models import AuditEntry
from core.models import new_id
from tests.factories.tools import GrantFactory
from tools.models import McpTool, ToolGrant, ToolSetting
from tools.services.mcp_servers import register_server

pytestmark = pytest.mark.django_db

GRANTS, CALCULATOR = "/api/v1/tools/grants/", "/api/v1/tools/calculator/"
HOURS = {"from_time": "20:00:00", "to_time": "02:00:00", "time_zone": "Europe/Berlin"}


@pytest.fixture
def staff(admin: User, api: Callable[[User], APIClient]) -> APIClient:
    return api(admin)


def made(staff: APIClient, **fields: Any) -> dict[str, Any]:
    answer = staff.post(GRANTS, {"tool": "calculator", **fields})
    assert answer.status_code == 201, answer.json()
    grant: dict[str, Any] = answer.json()
    return grant


def entries(action: str) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(action=action).order_by("id"))


def uses(client: APIClient) -> int:
    """The status of a call of the calculator."""
    answer = client.post(f"{CALCULATOR}call/", {"arguments": {"expression": "1 + 1"}})
    return int(answer.status_code)


def test_a_grant_is_made_looked_at_changed_and_taken_back(
    staff: APIClient, admin: User, alice: User
) -> None:
    end = "2099-01-01T00:00:00Z"
    grant = made(staff, user=str(alice.pk), expires_at=end, calls_per_hour=5, **HOURS)
    address = f"{GRANTS}{grant['id']}/"
    assert staff.get(address).json() == grant
    assert grant["user"] == str(alice.pk)
    assert {name: grant[name] for name in HOURS} == HOURS
    assert [one["id"] for one in staff.get(GRANTS).json()["results"]] == [grant["id"]]
    changed = staff.patch(address, {"calls_per_hour": None, "from_time": None, "to_time": None})
    assert changed.status_code == 200, changed.json()
    assert (changed.json()["calls_per_hour"], changed.json()["to_time"]) == (None, None)
    assert changed.json()["expires_at"] == end
    assert staff.delete(address).status_code == 204
    assert (staff.get(address).status_code, staff.delete(address).status_code) == (404, 404)
    [created], [told], [deleted] = (
        entries(f"tools.toolgrant.{verb}") for verb in ("created", "changed", "deleted")
    )
    assert {created.actor_id, told.actor_id, deleted.actor_id} == {admin.pk}
    assert created.detail["values"]["tool"]["to"] == "calculator"
    assert told.detail["changed"] == ["calls_per_hour", "from_time", "to_time"]
    assert told.detail["values"]["calls_per_hour"] == {"from": 5, "to": None}
    assert deleted.detail == {"tool": "calculator", "who": str(alice.pk)}


@pytest.mark.parametrize("end", ["9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+01:00"])
def test_an_end_that_no_clock_of_utc_shows_is_refused(staff: APIClient, end: str) -> None:
    """PostgreSQL would keep it, and nobody could read the grants, or call a tool, any more."""
    grant = made(staff)
    new = staff.post(GRANTS, {"tool": "calculator", "expires_at": end})
    changed = staff.patch(f"{GRANTS}{grant['id']}/", {"expires_at": end})
    for answer in (new, changed):
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
        assert answer.json()["detail"]["errors"][0]["path"] == "expires_at"
    assert staff.get(GRANTS).json()["results"] == [grant]


def test_the_same_change_again_writes_nothing(staff: APIClient) -> None:
    address = f"{GRANTS}{made(staff, calls_per_hour=3)['id']}/"
    before = staff.get(address).json()
    for change in ({"calls_per_hour": 3}, {"allow": True}, {"allow": None}, {}):
        assert staff.patch(address, change).json() == before
    assert entries("tools.toolgrant.changed") == []


def test_a_grant_holds_from_the_next_call_on(
    staff: APIClient, alice: User, charlie: User, api: Callable[[User], APIClient]
) -> None:
    players = Group.objects.create(name="players")
    alice.groups.add(players)
    assert staff.patch(CALCULATOR, {"open_to_all": False}).json()["open_to_all"] is False
    assert uses(api(alice)) == 403
    grant = made(staff, group="players", calls_per_hour=1)
    assert [uses(api(alice)), uses(api(charlie))] == [200, 403]
    assert uses(api(alice)) == 429
    staff.patch(f"{GRANTS}{grant['id']}/", {"calls_per_hour": 2})
    assert uses(api(alice)) == 200
    made(staff, user=str(charlie.pk), allow=True)
    assert uses(api(charlie)) == 200
    made(staff, tool="*", allow=False)
    assert [uses(api(alice)), uses(api(charlie))] == [403, 403]


@pytest.mark.parametrize(
    ("fields", "path", "code"),
    [
        ({"tool": "made_up"}, "tool", "unknown_tool"),
        ({"user": str(new_id())}, "user", "unknown_user"),
        ({"group": "nobody"}, "group", "unknown_group"),
        ({"group": "a\0b"}, "group", "unknown_group"),
        ({"from_time": "09:00"}, "", "invalid"),
        ({"from_time": "09:00", "to_time": "09:00"}, "", "invalid"),
        ({"allow": False, "calls_per_hour": 3}, "", "invalid"),
        ({"time_zone": "Mars/Base"}, "time_zone", "invalid"),
    ],
)
def test_a_grant_that_makes_no_sense_is_refused_with_a_reason(
    staff: APIClient, fields: dict[str, Any], path: str, code: str
) -> None:
    answer = staff.post(GRANTS, {"tool": "calculator", **fields})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_tool_grant")
    [error] = answer.json()["detail"]["errors"]
    assert (error["path"], error["code"]) == (path, code)
    assert error["message"]
    assert not ToolGrant.objects.exists()
    assert entries("tools.toolgrant.created") == []


@pytest.mark.parametrize(
    "fields",
    [
        {"calls_per_hour": -1},
        {"calls_per_hour": 2**31},
        {"from_time": "09:00Z", "to_time": "10:00"},
        {"expires_at": "2030-01-01T00:00:00"},
        {"owner": "x"},
    ],
)
def test_what_no_row_can_hold_is_no_body(staff: APIClient, fields: dict[str, Any]) -> None:
    assert staff.post(GRANTS, {"tool": "calculator", **fields}).status_code == 400
    assert not ToolGrant.objects.exists()


def test_a_user_and_a_group_are_too_much(staff: APIClient, alice: User) -> None:
    Group.objects.create(name="players")
    both = {"tool": "clock", "user": str(alice.pk), "group": "players"}
    [error] = staff.post(GRANTS, both).json()["detail"]["errors"]
    assert error["message"] == "Name a user or a group, not both."


def test_a_change_that_makes_no_sense_changes_nothing(staff: APIClient) -> None:
    grant = made(staff, calls_per_hour=3)
    address = f"{GRANTS}{grant['id']}/"
    assert staff.patch(address, {"allow": False}).json()["code"] == "bad_tool_grant"
    assert staff.patch(address, {"tool": "clock"}).status_code == 400
    assert staff.get(address).json() == grant


def test_grants_are_found_by_whom_and_what_they_are_for(staff: APIClient, alice: User) -> None:
    players = Group.objects.create(name="players")
    wanted = {
        "user": (str(alice.pk), GrantFactory(user=alice, tool="clock")),
        "group": ("players", GrantFactory(group=players)),
        "tool": ("http_get", GrantFactory(tool="http_get", allow=False)),
    }
    for name, (value, grant) in wanted.items():
        [found] = staff.get(GRANTS, {name: value}).json()["results"]
        assert found["id"] == str(grant.pk)
    assert len(staff.get(GRANTS, {"allow": "false"}).json()["results"]) == 1


def test_a_list_costs_as_many_queries_for_20_grants_as_for_1(
    staff: APIClient, alice: User, django_assert_max_num_queries: Any
) -> None:
    players = Group.objects.create(name="players")
    GrantFactory.create_batch(10, user=alice)
    GrantFactory.create_batch(10, group=players)
    with django_assert_max_num_queries(5):
        assert len(staff.get(GRANTS).json()["results"]) == 20


def test_a_tool_is_switched_off_and_on_once(
    staff: APIClient, admin: User, alice: User, api: Callable[[User], APIClient]
) -> None:
    for _ in range(2):
        told = staff.patch(CALCULATOR, {"enabled": False})
        assert (told.status_code, told.json()["enabled"]) == (200, False)
    assert uses(api(alice)) == 403
    keys = [one["key"] for one in api(alice).get("/api/v1/tools/").json()["results"]]
    assert "calculator" not in keys
    [entry] = entries("tools.toolsetting.changed")
    assert (entry.actor_id, entry.detail["tool"]) == (admin.pk, "calculator")
    assert entry.detail["values"] == {"enabled": {"from": True, "to": False}}
    assert staff.get(CALCULATOR).json()["enabled"] is False
    staff.patch(CALCULATOR, {"enabled": True})
    assert uses(api(alice)) == 200


def test_a_tool_that_is_not_there_is_not_switched(
    staff: APIClient, alice: User, api: Callable[[User], APIClient]
) -> None:
    assert staff.patch("/api/v1/tools/made_up/", {"enabled": True}).status_code == 404
    assert staff.patch(CALCULATOR, {"key": "x"}).status_code == 400
    for method in ("get", "patch"):
        assert getattr(api(alice), method)(CALCULATOR, {}).status_code == 403
    assert ToolSetting.objects.get(tool="calculator").enabled


def test_a_tool_of_a_server_is_switched_by_the_same_rules_as_at_its_server(
    staff: APIClient, admin: User
) -> None:
    nowhere = {"transport": "streamable_http", "url": "http://127.0.0.1:9/", "headers": {}}
    server = register_server(by=admin, name="wiki", **nowhere)
    tool = McpTool.objects.create(
        server=server, key="wiki__search", name="search", input_schema={}, content_hash="x"
    )
    ToolSetting.objects.create(tool=tool.key, enabled=False, open_to_all=False)
    address = f"/api/v1/tools/{tool.key}/"
    refused = staff.patch(address, {"enabled": True})
    assert (refused.status_code, refused.json()["code"]) == (409, "mcp_tool_not_approved")
    for _ in range(2):  # the second time nothing is changed
        assert staff.patch(address, {"open_to_all": True}).json()["open_to_all"] is True
    assert [one.detail["tool"] for one in entries("tools.mcptool.changed")] == ["wiki__search"]
