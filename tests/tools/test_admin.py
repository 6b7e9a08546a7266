"""Settings, grants and the ledger in the back office."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from accounts.models import User
from audit.models import AuditEntry
from core import clock
from tests.factories.tools import GrantFactory, ToolCallFactory
from tests.office import Office
from tools.models import ToolCall, ToolGrant, ToolSetting

pytestmark = pytest.mark.django_db


@pytest.fixture
def office(admin: User) -> Client:
    client = Office()
    client.force_login(admin)
    return client


def grant_form(**fields: Any) -> dict[str, Any]:
    return {"tool": "calculator", "allow": "on", "time_zone": "UTC", **fields}


def test_a_tool_is_switched_off_and_the_change_is_audited(office: Client) -> None:
    setting = ToolSetting.objects.get(tool="http_get")
    page = f"/admin/tools/toolsetting/{setting.pk}/change/"
    assert "network" in office.get(page).content.decode()
    assert office.post(page, {"open_to_all": "on"}).status_code == 302
    setting.refresh_from_db()
    assert (setting.enabled, setting.tool) == (False, "http_get")
    entry = AuditEntry.objects.get(action="tools.toolsetting.changed")
    assert entry.detail["values"]["enabled"] == {"from": True, "to": False}


def test_the_list_of_tools_tells_how_they_are_used(office: Client) -> None:
    ToolCallFactory.create_batch(2)
    ToolCallFactory(status="timed_out")
    page = office.get("/admin/tools/toolsetting/").content.decode()
    counts = re.findall(r'field-calls">(\d+)<.*?field-failed">(\d+)<', page, re.DOTALL)
    assert counts[0] == ("3", "1")
    assert set(counts[1:]) == {("0", "0")}


def test_tools_are_not_added_or_removed_in_the_office(office: Client) -> None:
    setting = ToolSetting.objects.get(tool="http_get")
    assert office.get("/admin/tools/toolsetting/add/").status_code == 403
    assert office.post(f"/admin/tools/toolsetting/{setting.pk}/delete/").status_code == 403


def test_a_grant_is_made_and_audited(office: Client, alice: User) -> None:
    form = grant_form(user=alice.pk, tool="scope:network", calls_per_hour=5)
    response = office.post("/admin/tools/toolgrant/add/", form)
    assert response.status_code == 302, re.findall("errorlist.*", response.content.decode())
    grant = ToolGrant.objects.get()
    assert (grant.user, grant.tool, grant.calls_per_hour) == (alice, "scope:network", 5)
    made = AuditEntry.objects.get(action="tools.toolgrant.created").detail["values"]
    assert {name: value["to"] for name, value in made.items()} == {
        **{"user": str(alice.pk), "tool": "scope:network", "calls_per_hour": 5},
        **{"allow": True, "time_zone": "UTC"},  # as the form had them
    }
    office.post(f"/admin/tools/toolgrant/{grant.pk}/delete/", {"post": "yes"})
    was = AuditEntry.objects.get(action="tools.toolgrant.deleted").detail["values"]
    assert was["user"] == {"from": str(alice.pk), "to": None}
    assert was["tool"] == {"from": "scope:network", "to": None}


def test_a_group_is_not_deleted_with_the_grants_it_has(office: Client) -> None:
    group = Group.objects.create(name="Desk")
    GrantFactory(group=group, expires_at=clock.now())
    grant = GrantFactory(group=group, allow=False)
    groups = "/admin/auth/group/"
    marked = {"action": "delete_selected", "_selected_action": [str(group.pk)]}
    for page, sent in ((f"{groups}{group.pk}/delete/", {}), (groups, marked)):
        told = office.post(page, {**sent, "post": "yes"}).content.decode()
        assert told.count("Desk may not use calculator: delete that first") == 1
        assert "Desk may use" not in told
    assert ToolGrant.objects.filter(pk=grant.pk).exists()
    office.post(f"/admin/tools/toolgrant/{grant.pk}/delete/", {"post": "yes"})
    assert office.post(f"{groups}{group.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Group.objects.exists()


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"tool": "made_up"}, "Select a valid choice"),
        ({"from_time": "09:00"}, "both ends"),
        ({"from_time": "09:00", "to_time": "09:00"}, "both ends"),
        ({"allow": "", "calls_per_hour": "3"}, "no number of calls"),
        ({"time_zone": "Mars/Base"}, "no time zone"),
    ],
)
def test_a_grant_that_makes_no_sense_is_refused_with_a_reason(
    office: Client, fields: Any, told: str
) -> None:
    response = office.post("/admin/tools/toolgrant/add/", grant_form(**fields))
    assert response.status_code == 200
    assert told in response.content.decode()
    assert not ToolGrant.objects.exists()


def test_the_ledger_is_read_only_and_leads_to_the_execution(office: Client) -> None:
    call = ToolCallFactory()
    page = office.get("/admin/tools/toolcall/").content.decode()
    assert f'href="/executions/{call.origin.removeprefix("execution:")}/"' in page
    assert office.get(f"/admin/tools/toolcall/{call.pk}/change/").status_code == 200
    assert office.get("/admin/tools/toolcall/add/").status_code == 403
    assert office.post(f"/admin/tools/toolcall/{call.pk}/change/", {}).status_code == 403
    assert office.post(f"/admin/tools/toolcall/{call.pk}/delete/").status_code == 403
    assert ToolCall.objects.count() == 1


@pytest.mark.parametrize("model", ["toolcall", "toolgrant", "toolsetting"])
def test_a_page_of_the_office_costs_as_many_queries_for_20_rows_as_for_1(
    office: Client, alice: User, model: str, django_assert_max_num_queries: Any
) -> None:
    ToolCallFactory.create_batch(20)
    GrantFactory.create_batch(20, user=alice)
    with django_assert_max_num_queries(12):
        assert office.get(f"/admin/tools/{model}/").status_code == 200
