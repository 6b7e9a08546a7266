"""Who may use a tool: decided at the call, by settings and grants, and audited where refused."""

import asyncio
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction

from accounts.models import User
from audit.models import AuditEntry
from core import clock
from tests.factories.tools import GrantFactory
from tests.tools.conftest import called, request_for
from tests.tools.recorder import Recorder
from tools.calling import call_tool
from tools.models import GrantUse, ToolSetting
from tools.permissions import GrantedPermissions
from tools.registry import tools
from tools.selectors import usable_tools

pytestmark = pytest.mark.django_db

SUM = {"arguments": {"expression": "1 + 1"}}


def outcome(user: User | None, tool: str = "calculator", **fields: Any) -> str:
    """How a call ends: its error, or "succeeded"."""
    request = request_for(tool, user, **({} if tool == "clock" else SUM), **fields)
    answer = called(request, Recorder(), GrantedPermissions())
    return answer.error or answer.status


def close(tool: str = "calculator") -> None:
    ToolSetting.objects.filter(tool=tool).update(open_to_all=False)


def at(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    now = datetime.fromisoformat(text).replace(tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: now)


def test_without_any_rule_an_open_tool_is_everybodys(alice: User) -> None:
    assert outcome(alice) == "succeeded"
    assert not AuditEntry.objects.filter(action="tools.call.refused").exists()


def test_a_tool_that_is_switched_off_is_nobodys(alice: User, admin: User) -> None:
    GrantFactory(user=alice)
    ToolSetting.objects.filter(tool="calculator").update(enabled=False)
    assert outcome(alice) == outcome(admin) == "tool_disabled"


def test_a_refusal_is_audited_with_who_and_what(alice: User) -> None:
    close()
    recorder = Recorder()
    request = request_for("calculator", alice, request_id="r-9", **SUM)
    answer = called(request, recorder, GrantedPermissions())
    assert (answer.status, answer.error) == ("refused", "tool_not_granted")
    entry = AuditEntry.objects.get(action="tools.call.refused")
    assert (entry.actor_id, entry.outcome, entry.request_id) == (alice.pk, "denied", "r-9")
    assert entry.target == f"tools.toolcall:{recorder.call.id}"
    assert entry.detail == {
        "tool": "calculator",
        "code": "tool_not_granted",
        "origin": request.origin,
    }


def test_a_grant_opens_a_closed_tool_for_whom_it_names(alice: User, charlie: User) -> None:
    close()
    GrantFactory(user=alice)
    assert (outcome(alice), outcome(charlie)) == ("succeeded", "tool_not_granted")


def test_a_grant_reaches_the_members_of_a_group(alice: User, charlie: User) -> None:
    close()
    group = Group.objects.create(name="reckoners")
    GrantFactory(group=group)
    alice.groups.add(group)
    assert (outcome(alice), outcome(charlie)) == ("succeeded", "tool_not_granted")


@pytest.mark.parametrize("tool", ["calculator", "*"])
def test_a_refusing_rule_outweighs_the_others(alice: User, charlie: User, tool: str) -> None:
    GrantFactory(user=alice)
    GrantFactory(user=alice, tool=tool, allow=False)
    assert (outcome(alice), outcome(charlie)) == ("tool_denied", "succeeded")


@pytest.mark.usefixtures("plugins")
def test_a_rule_can_name_a_scope(alice: User) -> None:
    GrantFactory(tool="scope:waiting", allow=False)
    answer = called(request_for("slow", alice), Recorder(), GrantedPermissions())
    assert answer.error == "tool_denied"
    assert outcome(alice) == "succeeded"


def test_a_rule_ends_when_it_expires(alice: User) -> None:
    close()
    grant = GrantFactory(user=alice, expires_at=clock.now() + timedelta(minutes=1))
    assert outcome(alice) == "succeeded"
    grant.expires_at = clock.now()
    grant.save()
    assert outcome(alice) == "tool_not_granted"


@pytest.mark.parametrize(
    ("zone", "now", "expected"),
    [
        ("UTC", "2026-07-01T08:59:59", "tool_outside_hours"),
        ("UTC", "2026-07-01T09:00:00", "succeeded"),
        ("UTC", "2026-07-01T16:59:59", "succeeded"),
        ("UTC", "2026-07-01T17:00:00", "tool_outside_hours"),
        ("Europe/Berlin", "2026-07-01T07:00:00", "succeeded"),
        ("Europe/Berlin", "2026-12-01T07:00:00", "tool_outside_hours"),
    ],
)
def test_a_grant_holds_in_its_hours(
    alice: User, monkeypatch: pytest.MonkeyPatch, zone: str, now: str, expected: str
) -> None:
    GrantFactory(user=alice, from_time=time(9), to_time=time(17), time_zone=zone)
    at(monkeypatch, now)
    assert outcome(alice) == expected


@pytest.mark.parametrize(
    ("now", "expected"),
    [("23:00", "tool_denied"), ("05:59", "tool_denied"), ("06:00", "succeeded")],
)
def test_hours_reach_over_midnight(
    alice: User, monkeypatch: pytest.MonkeyPatch, now: str, expected: str
) -> None:
    GrantFactory(allow=False, from_time=time(22), to_time=time(6))
    at(monkeypatch, f"2026-07-01T{now}:00")
    assert outcome(alice) == expected


def test_so_many_calls_an_hour_and_no_more(
    alice: User, charlie: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    GrantFactory(calls_per_hour=2)
    at(monkeypatch, "2026-07-01T10:10:00")
    assert [outcome(alice) for _ in range(3)] == ["succeeded", "succeeded", "tool_rate_limited"]
    assert outcome(charlie) == "succeeded", "the number is for each person"
    at(monkeypatch, "2026-07-01T11:00:00")
    assert outcome(alice) == "succeeded"
    assert GrantUse.objects.filter(user=alice).count() == 1


def test_calls_at_once_do_not_slip_through(alice: User) -> None:
    GrantFactory(calls_per_hour=3)

    async def scenario() -> list[str]:
        requests = [request_for("calculator", alice, call_index=n, **SUM) for n in range(8)]
        answers = await asyncio.gather(
            *(call_tool(one, Recorder(), GrantedPermissions()) for one in requests)
        )
        return [answer.error or answer.status for answer in answers]

    ends = async_to_sync(scenario)()
    assert (ends.count("succeeded"), ends.count("tool_rate_limited")) == (3, 5)


def test_a_second_grant_has_calls_of_its_own(alice: User) -> None:
    GrantFactory(calls_per_hour=1)
    limited = GrantFactory(user=alice, tool="*", calls_per_hour=1)
    assert [outcome(alice) for _ in range(3)] == ["succeeded", "succeeded", "tool_rate_limited"]
    limited.calls_per_hour = None
    limited.save()
    assert outcome(alice) == "succeeded"


def test_bad_arguments_cost_no_permission(alice: User) -> None:
    GrantFactory(calls_per_hour=1)
    called(request_for("calculator", alice), Recorder(), GrantedPermissions())
    assert outcome(alice) == "succeeded"


def test_nobody_and_who_was_shut_out_may_nothing(alice: User) -> None:
    alice.is_active = False
    alice.save()
    assert outcome(alice) == outcome(None) == "tool_user_unknown"
    assert usable_tools(alice) == []


def test_a_change_counts_from_the_next_call_on(alice: User) -> None:
    assert outcome(alice) == "succeeded"
    GrantFactory(tool="*", allow=False)
    assert outcome(alice) == outcome(alice, "clock") == "tool_denied"


def test_the_tools_one_may_use(alice: User, django_assert_num_queries: Any) -> None:
    close("http_get")
    GrantFactory(user=alice, tool="clock", allow=False)
    ToolSetting.objects.filter(tool="json_query").delete()
    with django_assert_num_queries(3):
        keys = [tool.key for tool in usable_tools(alice)]
    assert keys == ["calculator", "json_query", "text_statistics", "unit_conversion"]


@pytest.mark.parametrize(
    "fields",
    [
        {"from_time": time(9)},
        {"from_time": time(9), "to_time": time(9)},
        {"allow": False, "calls_per_hour": 1},
    ],
)
def test_rules_that_make_no_sense_cannot_be_kept(fields: Any) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        GrantFactory(**fields)


def test_every_tool_has_its_setting() -> None:
    assert ToolSetting.objects.filter(enabled=True, open_to_all=True).count() == len(tools.all())
