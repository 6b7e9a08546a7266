"""Reports say what is in the ledger, to those it belongs to."""

import csv
import io
import re
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from asgiref.sync import async_to_sync, sync_to_async
from rest_framework.test import APIClient

from accounts.models import User
from analytics.dashboard import executions_now
from analytics.reports.reading import SUBJECTS
from audit.models import AuditEntry
from conversations.models import Conversation, Message
from core import clock
from tests.analytics.files import body_of
from tests.analytics.past import GRAPH, rated
from tests.factories.llms import CallFactory
from tests.factories.tools import ToolCallFactory
from tests.isolation.document import operations
from workflows.models import WorkflowExecution, WorkflowTemplate, WorkflowVersion
from workflows.services.definitions import create_definition

pytestmark = pytest.mark.django_db
Door = Callable[[User], APIClient]
NIGHT = datetime(2026, 10, 24, 22, 30, tzinfo=UTC)


def ask(api: Door, user: User, name: str, **query: Any) -> dict[str, Any]:
    answer = api(user).get(f"/api/v1/analytics/{name}/", query)
    assert answer.status_code == 200, answer.content
    told: dict[str, Any] = answer.json()
    return told


@pytest.fixture
def chats(api: Door, built_in: None, drain: Callable[[], None], alice: User, charlie: User) -> None:
    """Two of alice's, one of which fails, and one of charlie's."""
    for user, text in ((alice, "hello"), (alice, "please break"), (charlie, "hello")):
        api(user).post("/api/v1/chat/", {"message": text, "mode": "background"})
        drain()


def test_a_replay_is_no_execution_in_a_report_or_on_the_live_dashboard(chats, api, drain, alice):
    run = WorkflowExecution.objects.get(user=alice, status="completed")
    answer = api(alice).post(f"/api/v1/executions/{run.pk}/replay/", {"mode": "background"})
    assert answer.status_code == 202
    drain()
    assert WorkflowExecution.objects.filter(rerun="replay", status="completed").count() == 1
    assert ask(api, alice, "executions")["totals"]["completed"] == 1
    assert executions_now(clock.now())["last_minute"]["completed"] == 2  # with charlie's


def test_executions_are_counted_with_the_rows_behind_them(chats, api, alice):
    told = ask(api, alice, "executions", by="template", compare="true")
    numbers = told["totals"]
    assert (numbers["executions"], numbers["completed"], numbers["failed"]) == (2, 1, 1)
    assert numbers["error_rate"] == 0.5
    assert numbers["duration"]["count"] == 2
    assert told["previous"]["executions"] == 0
    assert sum(step["numbers"]["executions"] for step in told["series"]) == 2
    (group,) = told["groups"]
    assert (group["label"], group["numbers"]) == ("Universal chat", numbers)
    rows = api(alice).get(group["rows"]).json()["results"]
    assert len(rows) == 2
    assert sum(row["totals"]["total_tokens"] for row in rows) == numbers["totals"]["total_tokens"]


def test_what_failed_is_told_by_itself_with_what_it_took_and_cost(chats, api, alice, client):
    told = ask(api, alice, "executions", by="status", compare="true")
    numbers = {group["key"]: group["numbers"] for group in told["groups"]}
    assert {key: one["executions"] for key, one in numbers.items()} == {"completed": 1, "failed": 1}
    for group in told["groups"]:
        (run,) = api(alice).get(group["rows"]).json()["results"]
        assert run["status"] == group["key"]
        assert run["totals"] == group["numbers"]["totals"]
        assert run["duration_ms"] == group["numbers"]["duration"]["max_ms"]
        assert group["rating_rows"] is None
        alone = ask(api, alice, "executions", by="status", key=group["key"])
        assert alone["totals"] == group["numbers"]
    for group in ask(api, alice, "models", by="status")["groups"]:
        calls = api(alice).get(group["rows"]).json()["results"]
        assert {one["status"] for one in calls} == {group["key"]} <= {"succeeded", "failed"}
        assert len(calls) == group["numbers"]["calls"]
    answer = api(alice).get("/api/v1/analytics/executions/?by=status&key=broken")
    assert answer.json()["code"] == "bad_report"
    client.force_login(alice)
    assert "By status" in client.get("/analytics/?by=status").text


def test_each_step_and_what_groups_were_before_have_the_rows_behind_them(api, alice, at_noon):
    for ago in (timedelta(hours=1), timedelta(days=1), timedelta(days=8), timedelta(days=9)):
        ended(alice, at_noon - ago)
    told = ask(api, alice, "executions", by="user", compare="true")
    for step in told["series"]:
        rows = api(alice).get(step["rows"]).json()["results"]
        assert len(rows) == step["numbers"]["executions"]
    assert sum(step["numbers"]["executions"] for step in told["series"]) == 2
    (group,) = told["groups"]
    rows = api(alice).get(group["previous_rows"]).json()["results"]
    assert len(rows) == group["previous"]["executions"] == 2
    (group,) = ask(api, alice, "executions", by="user")["groups"]
    assert group["previous_rows"] is None


def test_what_one_costs_is_told_as_exactly_as_what_all_do(api, alice, built_in, client):
    template = WorkflowTemplate.objects.get(slug="universal_chat")
    now = clock.now()
    told = ask(api, alice, "executions")["totals"]
    assert (told["mean_cost"], told["success_rate"]) == (None, None)
    of_template = f"/api/v1/templates/{template.pk}/analytics/"
    assert api(alice).get(of_template).json()["mean_cost"] is None
    ended(alice, now, template=template, call_count=1, unpriced_calls=1)
    told = ask(api, alice, "executions", by="template")["groups"][0]["numbers"]
    assert (told["mean_cost"], told["totals"]["exactness"]) == (None, "unpriced")
    ended(alice, now, template=template, call_count=2, cost_nano_usd=100)
    ended(alice, now, template=template, status="failed")
    told = ask(api, alice, "executions", by="template")["groups"][0]["numbers"]
    assert (told["mean_cost"], told["success_rate"]) == ("0.000000033", round(2 / 3, 4))
    assert (told["totals"]["cost"], told["totals"]["exactness"]) == ("0.0000001", "unpriced")
    assert api(alice).get(of_template).json()["mean_cost"] == told["mean_cost"]
    address = "/api/v1/analytics/executions/export/"
    (row,) = csv.DictReader(io.StringIO(body_of(api(alice).get(address)).decode()))
    assert (row["mean_cost"], row["success_rate"]) == ("0.000000033", "0.6667")
    client.force_login(alice)
    page = client.get("/analytics/?by=template").text
    assert page.count('data-cost="0.000000033" data-exactness="unpriced"') == 2


def test_the_numbers_of_a_template_lead_to_their_rows_and_to_none_that_came_later(
    chats, api, alice, admin, drain
):
    template = WorkflowTemplate.objects.get(slug="universal_chat")
    rated(api(alice), helpful=True)
    told = api(admin).get(f"/api/v1/templates/{template.pk}/analytics/").json()
    api(alice).post("/api/v1/chat/", {"message": "hello", "mode": "background"})
    drain()
    rows = api(admin).get(told["rows"]).json()["results"]
    assert len(rows) == told["executions"] == 3
    assert [one["helpful"] for one in api(admin).get(told["rating_rows"]).json()["results"]] == [
        True
    ]
    assert len(api(alice).get(told["rows"]).json()["results"]) == 2


def test_each_sees_their_own_and_staff_see_all(chats, api, alice, charlie, admin):
    assert ask(api, charlie, "executions")["totals"]["executions"] == 1
    assert ask(api, admin, "executions")["totals"]["executions"] == 0
    told = ask(api, admin, "executions", of="all", by="user")
    assert told["totals"]["executions"] == 3
    assert {group["label"]: group["numbers"]["executions"] for group in told["groups"]} == {
        "alice": 2,
        "charlie": 1,
    }
    of_alice = ask(api, admin, "executions", of=str(alice.pk))
    assert of_alice["totals"] == ask(api, alice, "executions")["totals"]
    for of in ("all", str(alice.pk), "nobody"):
        for name in ("executions", "models", "tools", "conversations", "executions/export"):
            answer = api(charlie).get(f"/api/v1/analytics/{name}/", {"of": of})
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), name
    assert api(charlie).get("/api/v1/analytics/system/").status_code == 404


@pytest.mark.parametrize("name", ["executions", "models", "tools"])
def test_the_group_of_another_user_is_empty_for_all_but_staff(
    chats, api, alice, charlie, admin, name
):
    ToolCallFactory(user=alice)
    told = ask(api, charlie, name, by="user", key=str(alice.pk))
    assert told["groups"] == []
    count = next(iter(told["totals"]))
    assert [step["numbers"][count] for step in told["series"]] == [0] * len(told["series"])
    assert told["totals"][count] == 0
    query = {"by": "user", "key": str(alice.pk), "as": "jsonl"}
    answer = api(charlie).get(f"/api/v1/analytics/{name}/export/", query)
    assert body_of(answer) == b""
    (group,) = ask(api, admin, name, of="all", by="user", key=str(alice.pk))["groups"]
    assert group["label"] == "alice"


def test_what_just_ended_is_counted_at_once(api, alice, built_in, drain):
    for done in (1, 2, 3):
        api(alice).post("/api/v1/chat/", {"message": "hello", "mode": "background"})
        drain()
        assert ask(api, alice, "models")["totals"]["calls"] == done


def test_percentiles_means_and_money_of_models(api, alice):
    now = clock.now()
    for latency in range(1, 101):
        CallFactory(user=alice, latency_ms=latency * 10, started_at=now, provider="acme")
    CallFactory(user=alice, cost_nano_usd=None, exactness="unpriced", model="b", latency_ms=None)
    told = ask(api, alice, "models", by="model")
    first, second = told["groups"]
    latency = first["numbers"]["latency"]
    assert (first["key"], latency["mean_ms"], latency["min_ms"]) == ("acme:model", 505.0, 10)
    assert (latency["max_ms"], latency["count"]) == (1000, 100)
    for name, exact in (("p50_ms", 500), ("p95_ms", 950), ("p99_ms", 990)):
        assert abs(latency[name] - exact) <= exact / 64
    assert first["numbers"]["totals"]["cost"] == "0.002"
    assert second["numbers"]["totals"]["cost"] is None
    assert told["totals"]["totals"]["exactness"] == "unpriced"
    providers = ask(api, alice, "models", by="provider")["groups"]
    assert [group["key"] for group in providers] == ["acme", "provider"]
    alone = ask(api, alice, "models", by="provider", key="acme")
    assert alone["totals"]["calls"] == 100


def test_groups_come_in_the_order_of_how_much_happened_in_them_whatever_it_cost(
    api, alice, charlie, admin
):
    CallFactory(user=alice, model="dear", cost_nano_usd=10**9)
    for _ in range(3):
        CallFactory(user=alice, model="free", cost_nano_usd=None, exactness="unpriced")
    models = ask(api, alice, "models", by="model")["groups"]
    assert [group["numbers"]["calls"] for group in models] == [3, 1]
    ended(charlie, clock.now(), call_count=1, cost_nano_usd=10**9)
    for _ in range(2):
        ended(alice, clock.now())
    users = ask(api, admin, "executions", of="all", by="user")["groups"]
    assert [group["label"] for group in users] == ["alice", "charlie"]


def test_what_there_was_only_in_the_period_before_is_a_group_where_it_is_compared(api, alice):
    now = clock.now()
    CallFactory(user=alice, model="new", started_at=now)
    CallFactory(user=alice, model="old", started_at=now - timedelta(days=9))
    told = ask(api, alice, "models", by="model", compare="true")
    found = {group["key"]: group for group in told["groups"]}
    new, old = found["provider:new"], found["provider:old"]
    assert (new["numbers"]["calls"], new["previous"]) == (1, None)
    assert (old["numbers"]["calls"], old["previous"]["calls"]) == (0, 1)
    assert told["previous"]["calls"] == sum(
        group["previous"]["calls"] for group in found.values() if group["previous"]
    )
    alone = ask(api, alice, "models", by="model", key="provider:new", compare="true")["groups"]
    assert [group["key"] for group in alone] == ["provider:new"]
    uncompared = ask(api, alice, "models", by="model")["groups"]
    assert [group["key"] for group in uncompared] == ["provider:new"]


@pytest.fixture
def at_noon(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """It is 12:36, and stays so."""
    noon = clock.now().replace(hour=12, minute=36, second=0, microsecond=0)
    monkeypatch.setattr(clock, "now", lambda: noon)
    return noon


def ended(user: User, at: datetime, **more: Any) -> WorkflowExecution:
    version, _ = WorkflowVersion.objects.get_or_create(content_hash="0", graph={})
    over = {"status": "completed", "finished_at": at, "duration_ms": 5, **more}
    return WorkflowExecution.objects.create(user=user, version=version, **over)


def test_what_has_not_passed_of_a_time_divides_nothing(api, alice, at_noon):
    for minutes in (1, 30, 37, 95):
        ended(alice, at_noon - timedelta(minutes=minutes))
    noon, now = at_noon.replace(minute=0), at_noon.isoformat()
    told = ask(api, alice, "executions", range="1h")
    hour = timedelta(hours=1)
    assert (told["start"], told["end"]) == ((noon - hour).isoformat(), (noon + hour).isoformat())
    assert told["until"] == now
    assert told["totals"]["per_hour"] == round(4 / 1.6, 3)
    assert [step["numbers"]["per_hour"] for step in told["series"]] == [2, round(2 / 0.6, 3)]
    assert [step["until"] for step in told["series"]] == [noon.isoformat(), now]
    today = {"from": noon.isoformat(), "to": (noon + 12 * hour).isoformat()}
    steps = ask(api, alice, "executions", step="hour", **today)["series"]
    assert [step["numbers"]["per_hour"] for step in steps] == [round(2 / 0.6, 3), *[None] * 11]
    (day,) = ask(api, alice, "executions", step="day", **today)["series"]
    assert day["numbers"]["per_hour"] == round(2 / 0.6, 3)
    to_come = {"from": (noon + 8 * hour).isoformat(), "to": (noon + 9 * hour).isoformat()}
    later = ask(api, alice, "executions", compare="true", **to_come)
    assert (later["totals"]["per_hour"], later["until"]) == (None, later["start"])
    assert later["previous"]["per_hour"] is None
    address = "/api/v1/analytics/executions/export/"
    lines = body_of(api(alice).get(address, {"range": "1h", "as": "jsonl"})).splitlines()
    assert [orjson.loads(one)["per_hour"] for one in lines] == [2, round(2 / 0.6, 3)]
    assert [orjson.loads(one)["until"] for one in lines] == [noon.isoformat(), now]


def test_an_export_in_json_is_the_list_that_the_document_says(api, alice):
    exports = [one for one in operations() if re.search("/analytics/.+/export/$", one.path)]
    assert len(exports) > 3
    for one in exports:
        answer = api(alice).get(one.path.replace("{id}", str(alice.pk)), {"as": "json"})
        assert isinstance(orjson.loads(body_of(answer)), list)
        assert one.response["type"] == "array", one


def test_the_period_before_is_counted_as_far_as_this_one_has_come(api, alice, charlie, at_noon):
    """Of 11:00 to 13:00 there are 96 minutes; before it, 9:00 to 10:36 are as many."""
    last = at_noon - timedelta(hours=2)
    for minutes, user in ((-20, alice), (0, alice), (0.01, alice), (20, charlie), (70, alice)):
        ended(user, last - timedelta(minutes=minutes))
    told = ask(api, alice, "executions", range="1h", compare="true")
    assert told["previous_start"] == last.replace(hour=9, minute=0).isoformat()
    assert told["previous_until"] == last.isoformat()
    assert (told["previous"]["executions"], told["previous"]["per_hour"]) == (2, round(2 / 1.6, 3))
    assert ask(api, alice, "executions", range="1h")["previous_until"] is None


@pytest.mark.parametrize(
    ("asked", "zone", "start", "until"),
    [
        ({"from": "2026-10-26"}, "UTC", "2026-10-25T00:00:00+00:00", "2026-10-25T12:36:00+00:00"),
        ({"range": "7d"}, "UTC", "2026-10-13T00:00:00+00:00", "2026-10-19T12:36:00+00:00"),
        # Of the days before, one had 25 hours, and clocks showed another time than they do now.
        ({"range": "7d"}, "Europe/Paris", "2026-10-13T00:00:00+02:00", "2026-10-19T13:36:00+02:00"),
        (
            {"from": "2026-10-25", "to": "2026-10-26"},
            "Europe/Paris",
            "2026-10-24T00:00:00+02:00",
            "2026-10-25T00:00:00+02:00",
        ),
        # The 6th of September began at one o'clock there.
        (
            {"from": "2026-09-06", "to": "2026-09-07"},
            "America/Santiago",
            "2026-09-05T00:00:00-04:00",
            "2026-09-06T01:00:00-03:00",
        ),
    ],
)
def test_days_are_compared_with_days_to_the_same_time_of_day(  # noqa: PLR0913, PLR0917
    api, alice, monkeypatch, asked, zone, start, until
):
    now = datetime(2026, 10, 26, 12, 36, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: now)
    told = ask(api, alice, "executions", compare="true", zone=zone, **asked)
    assert (told["previous_start"], told["previous_until"]) == (start, until)


@pytest.mark.parametrize("span", ["1h", "24h", "7d"])
@pytest.mark.parametrize("name", ["executions", "models", "tools"])
def test_all_of_the_period_before_is_what_its_rows_are(
    api, alice, charlie, admin, at_noon, name, span
):
    for user, hours in product((alice, charlie), (0.2, 1.7, 2.1, 2.3, 25, 27, 160, 175, 312)):
        at = at_noon - timedelta(hours=hours)
        if name == "executions":
            ended(user, at)
        elif name == "models":
            CallFactory(user=user, started_at=at, provider="p", model=user.username)
        else:
            ToolCallFactory(user=user, started_at=at, tool=user.username)
    subject, count = SUBJECTS[name], "executions" if name == "executions" else "calls"
    of = {"of": "all", "range": span, "compare": "true"}
    for by in subject.by:
        told = ask(api, admin, name, by=by, **of)
        start, until = (
            datetime.fromisoformat(told[f"previous_{end}"]) for end in ("start", "until")
        )
        assert until - start == at_noon - datetime.fromisoformat(told["start"])
        times = {f"{subject.kind.at}__gte": start, f"{subject.kind.at}__lt": until}
        rows = subject.kind.counted().filter(**times)
        assert told["previous"][count] == rows.count() > 0
        for group in told["groups"]:
            alone = ask(api, admin, name, by=by, key=group["key"], **of)
            before = (group["previous"] or alone["previous"])[count]
            assert alone["previous"][count] == before
            if by == "user":
                assert before == rows.filter(user_id=group["key"]).count()
        if told["groups"]:
            assert sum(group["previous"][count] for group in told["groups"]) == rows.count()


def test_one_group_is_told_however_its_id_is_written(api, alice, at_noon):
    ended(alice, at_noon)
    written = (str(alice.pk), str(alice.pk).upper(), alice.pk.hex)
    told = [ask(api, alice, "executions", by="user", key=key) for key in written]
    assert told[0]["totals"]["executions"] == 1
    told += [ask(api, alice, "executions", by="user", key=key, of=key) for key in written]
    assert all(one == told[0] for one in told)


def test_a_provider_is_looked_at_alone_by_its_name_as_it_is_written(api, alice):
    CallFactory(user=alice, provider="one")
    for key, calls in (("one", 1), ("ONE", 0), ("on", 0)):
        told = api(alice).get(f"/api/v1/analytics/models/?by=provider&key={key}").json()
        assert (told["totals"]["calls"], len(told["groups"])) == (calls, calls)


def test_a_version_can_be_looked_at_alone_by_the_key_of_its_group(api, alice, built_in, at_noon):
    for name in ("one", "other"):
        workflow = create_definition(owner=alice, name=name, graph=GRAPH)
        ended(alice, at_noon - timedelta(minutes=1), definition=workflow)
    keys = [group["key"] for group in ask(api, alice, "executions", by="version")["groups"]]
    assert len(keys) == 2
    for key, write in product(keys, (str, str.upper)):
        alone = ask(api, alice, "executions", by="version", key=write(key))
        assert alone["totals"]["executions"] == 1
        assert [group["key"] for group in alone["groups"]] == [key]
        assert len(api(alice).get(alone["rows"]).json()["results"]) == 1


def test_failures_of_tools_are_told_apart(api, alice):
    for status in ("succeeded", "failed", "timed_out", "refused", "lost"):
        ToolCallFactory(user=alice, status=status)
    numbers = ask(api, alice, "tools", by="tool")["groups"][0]["numbers"]
    assert (numbers["calls"], numbers["failed"], numbers["timed_out"]) == (5, 1, 1)
    assert (numbers["refused"], numbers["lost"], numbers["error_rate"]) == (1, 1, 0.4)


def test_days_are_those_of_the_zone_also_when_clocks_change(api, alice):
    """In Paris the 25th of October 2026 has 25 hours, and begins at 22:00 UTC."""
    for hour in range(27):
        CallFactory(user=alice, started_at=NIGHT + timedelta(hours=hour))
    span = {"from": "2026-10-25", "to": "2026-10-27", "zone": "Europe/Paris", "step": "day"}
    told = ask(api, alice, "models", **span)
    assert [(step["at"], step["numbers"]["calls"]) for step in told["series"]] == [
        ("2026-10-25T00:00:00+02:00", 25),
        ("2026-10-26T00:00:00+01:00", 2),
    ]
    hours = ask(api, alice, "models", **{**span, "step": "hour"})["series"]
    assert len({step["at"] for step in hours}) == len(hours) == 49
    assert sum(step["numbers"]["calls"] for step in hours) == told["totals"]["calls"] == 27


def test_a_range_of_days_has_so_many_days_when_clocks_were_set_too(api, alice, monkeypatch):
    """In Paris it is half an hour past midnight, and a day had 23 hours."""
    now = datetime(2026, 3, 29, 22, 30, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: now)
    for days in (7, 30, 90):
        series = ask(api, alice, "models", range=f"{days}d", zone="Europe/Paris")["series"]
        assert (len(series), series[-1]["at"]) == (days, "2026-03-30T00:00:00+02:00")


def test_groups_of_the_period_before_had_as_many_hours_as_that_period(api, alice):
    """In Paris the 25th of October 2026 has 25 hours, the day before 24."""
    for hours in (0, 20):
        ended(alice, NIGHT - timedelta(hours=hours))
    span = {"from": "2026-10-25", "to": "2026-10-26", "zone": "Europe/Paris"}
    told = ask(api, alice, "executions", by="user", compare="true", **span)
    (group,) = told["groups"]
    assert told["totals"]["per_hour"] == group["numbers"]["per_hour"] == round(1 / 25, 3)
    assert told["previous"]["per_hour"] == group["previous"]["per_hour"] == round(1 / 24, 3)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "America/St_Johns", "Pacific/Apia"])
@pytest.mark.parametrize(
    ("step", "span"),
    [*product(["hour", "day"], ["1h", "24h", "30d"]), ("hour", "90d"), ("day", "1y")],
)
def test_a_series_adds_up_to_its_total(api, alice, zone, step, span):
    for ago in (0, 1, 5, 26, 800):
        CallFactory(user=alice, started_at=clock.now() - timedelta(hours=ago))
    told = ask(api, alice, "models", zone=zone, step=step, range=span, by="model")
    counts = [one["numbers"]["calls"] for one in told["series"]]
    assert sum(counts) == told["totals"]["calls"] == told["groups"][0]["numbers"]["calls"]
    assert told["totals"]["calls"] >= (5 if span == "1y" else 1)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"range": "2h"}, "bad_span"),
        ({"from": "yesterday"}, "bad_span"),
        ({"from": "2026-02-30"}, "bad_span"),
        ({"from": "2026-02-02", "to": "2026-02-01"}, "bad_span"),
        ({"from": "1000-01-01"}, "bad_span"),
        ({"from": "0001-01-01", "to": "0001-01-02", "compare": "true"}, "bad_span"),
        ({"from": "9999-12-31T22:00:00Z", "to": "9999-12-31T23:30:00Z"}, "bad_span"),
        ({"from": "0001-01-01T00:00Z", "to": "0001-01-01T02:00Z", "zone": "Cuba"}, "bad_span"),
        ({"zone": "Mars/Olympus"}, "bad_span"),
        ({"zone": "../../etc/passwd"}, "bad_span"),
        ({"zone": "localtime"}, "bad_span"),
        ({"step": "week"}, "bad_span"),
        ({"step": "hour", "range": "1y"}, "bad_span"),
        ({"step": "hour", "from": "2021-12-01", "to": "2026-11-22"}, "bad_span"),
        ({"by": "colour"}, "bad_report"),
        ({"key": "x"}, "bad_report"),
        ({"by": "template", "key": "\0"}, "bad_report"),
        ({"by": "template", "key": "universal_chat"}, "bad_report"),
        ({"by": "user", "key": "alice"}, "bad_report"),
        ({"by": "version", "key": "01a21937-13d9-74b4-b802-8cb6732b8b54"}, "bad_report"),
        ({"compare": "perhaps"}, "bad_report"),
    ],
)
def test_what_cannot_be_understood_is_said(api, alice, query, code):
    answer = api(alice).get("/api/v1/analytics/executions/", query)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


@pytest.mark.parametrize("first", "=+-@＝＋－＠\t\r")  # noqa: RUF001
def test_no_cell_of_a_table_is_a_formula(api, alice, first):
    ToolCallFactory(user=alice, tool=f"{first}cmd|' /C calc'!A0", started_at=clock.now())
    answer = api(alice).get("/api/v1/analytics/tools/export/", {"by": "tool"})
    (row,) = csv.DictReader(io.StringIO(body_of(answer).decode(), newline=""))
    assert row["key"] == row["label"] == f"'{first}cmd|' /C calc'!A0"


def test_a_report_is_exported_line_by_line_and_audited(api, alice):

    CallFactory(user=alice, model="=cmd|' /C calc'!A0", started_at=clock.now())
    door, address = api(alice), "/api/v1/analytics/models/export/"
    (line,) = [
        orjson.loads(one)
        for one in body_of(door.get(address, {"by": "model", "as": "jsonl"})).splitlines()
    ]
    assert (line["calls"], line["latency_p95_ms"], line["totals_cost"]) == (1, 12, "0.00002")
    answer = door.get(address, {"by": "model"})
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    (row,) = csv.DictReader(io.StringIO(body_of(answer).decode()))
    assert row["key"].startswith("provider:=cmd")
    book = body_of(door.get(address, {"by": "model", "as": "xlsx"}))
    assert "xl/worksheets/sheet1.xml" in zipfile.ZipFile(io.BytesIO(book)).namelist()
    assert door.get(address, {"as": "pdf"}).json()["code"] == "bad_report"
    assert (
        AuditEntry.objects.filter(action="analytics.report.exported", actor_id=alice.pk).count()
        == 3
    )


@pytest.mark.parametrize(("tools", "rows"), [(3, [4]), (4, [4, 2]), (7, [4, 4, 2])])
def test_what_does_not_fit_into_a_sheet_of_excel_stands_in_further_ones(
    api, alice, monkeypatch, tools, rows
):
    monkeypatch.setattr("analytics.reports.export._SHEET_LINES", 3)
    for number in range(tools):
        ToolCallFactory(user=alice, tool=f"t{number}", started_at=clock.now())
    address = "/api/v1/analytics/tools/export/"
    book = body_of(api(alice).get(address, {"by": "tool", "as": "xlsx"}))
    with zipfile.ZipFile(io.BytesIO(book)) as file:
        names = re.findall(r'<sheet name="([^"]*)"', file.read("xl/workbook.xml").decode())
        sheets = [
            file.read(f"xl/worksheets/sheet{number + 1}.xml").decode()
            for number in range(len(names))
        ]
    assert names == ["tools", "tools-2", "tools-3"][: len(rows)]
    assert [sheet.count("<row ") for sheet in sheets] == rows
    assert all(">until<" in sheet for sheet in sheets)
    assert re.findall(r">(t\d)<", "".join(sheets)) == [f"t{n}" for n in range(tools) for _ in "kl"]


def test_what_something_cost_is_a_number_that_excel_adds_up(api, alice):
    costs = {"a": 1, "b": 852_000, "c": 999_999_999_999_999, "d": 0, "1": None}
    for model, cost in costs.items():
        exactness = "metered" if cost is not None else "unpriced"
        CallFactory(user=alice, model=model, cost_nano_usd=cost, exactness=exactness)
    answer = api(alice).get("/api/v1/analytics/models/export/", {"by": "model", "as": "xlsx"})
    with zipfile.ZipFile(io.BytesIO(body_of(answer))) as file:
        first, *rows = file.read("xl/worksheets/sheet1.xml").decode().split("<row ")[1:]
    column = re.findall(r'r="([A-Z]+)1"[^>]*><is><t>totals_cost<', first)[0]
    told = [re.findall(rf'r="{column}\d+"><v>([^<]*)<', row) for row in rows]
    assert told == [[], ["1E-9"], ["0.000852"], ["999999.999999999"], ["0"]]


def test_an_export_as_json_is_one_array_of_the_same_lines(api, alice):
    address = "/api/v1/analytics/tools/export/"
    assert orjson.loads(body_of(api(alice).get(address, {"as": "json"}))) == []
    for number in range(300):
        ToolCallFactory(user=alice, tool=f"t{number}\n,]", started_at=clock.now())
    told, lines = (
        body_of(api(alice).get(address, {"by": "tool", "as": kind})) for kind in ("json", "jsonl")
    )
    assert api(alice).get(address, {"as": "json"}).headers["Content-Type"] == "application/json"
    names = [(one["key"], one["calls"]) for one in orjson.loads(told)]
    assert names == [(one["key"], one["calls"]) for one in map(orjson.loads, lines.splitlines())]
    assert len(names) == 300


def test_an_export_of_a_time_in_which_nothing_happened_has_its_columns(api, alice):
    for name, first in (("executions", "executions"), ("models", "calls"), ("tools", "calls")):
        address = f"/api/v1/analytics/{name}/export/"
        (line,) = csv.reader(io.StringIO(body_of(api(alice).get(address)).decode()))
        assert line[:5] == ["at", "until", "key", "label", first]
        book = zipfile.ZipFile(io.BytesIO(body_of(api(alice).get(address, {"as": "xlsx"}))))
        assert 'r="E1"' in book.read("xl/worksheets/sheet1.xml").decode()


def test_conversations_are_counted_without_being_read(chats, api, alice, admin):
    told = ask(api, alice, "conversations")
    assert (told["conversations"], told["messages"], told["most_messages"]) == (2, 4, 2)
    assert told["satisfaction"] is None
    assert sum(map(sum, told["active_hours"])) == 2
    assert ask(api, admin, "conversations", of="all")["conversations"] == 3


def test_conversations_are_compared_and_exported_step_by_step(chats, api, alice, charlie):
    first, second = Conversation.objects.filter(owner=alice).order_by("created_at")
    reply = Message.objects.get(conversation=first, role="assistant")
    rating = f"/api/v1/conversations/{first.pk}/messages/{reply.pk}/rating/"
    assert api(alice).put(rating, {"helpful": True}).status_code == 201
    before = clock.now() - timedelta(days=7)
    Conversation.objects.filter(pk=second.pk).update(created_at=before - timedelta(minutes=1))
    told = ask(api, alice, "conversations", range="7d", compare="true")
    assert (told["conversations"], told["previous"]["conversations"]) == (1, 1)
    assert (told["satisfaction"], told["previous"]["satisfaction"]) == (1.0, None)
    assert ask(api, alice, "conversations")["previous"] is None
    address, query = "/api/v1/analytics/conversations/export/", {"range": "7d", "as": "jsonl"}
    for step, zone in product(("day", "hour"), ("UTC", "Pacific/Chatham")):
        file = body_of(api(alice).get(address, {**query, "step": step, "zone": zone}))
        lines = list(map(orjson.loads, file.splitlines()))
        assert len(lines) == len({line["at"] for line in lines}) > 6
        assert sum(line["conversations"] for line in lines) == told["conversations"]
        assert sum(line["messages"] for line in lines) == told["messages"] == 2
        assert sum(line["helpful"] for line in lines) == 1
        assert lines[-1]["satisfaction"] == 1.0
    assert api(charlie).get(address, {"of": str(alice.pk)}).status_code == 404


def test_what_a_user_does_is_told_to_them_and_to_staff(chats, api, alice, charlie, admin, client):
    path = f"analytics/users/{alice.pk}/"
    told = api(alice).get(f"/api/v1/{path}").json()
    assert (told["user"], told["username"]) == (str(alice.pk), "alice")
    (template,) = told["templates"]
    assert template["label"] == "Universal chat"
    assert (template["numbers"]["executions"], template["numbers"]["success_rate"]) == (2, 0.5)
    assert told["totals"] == template["numbers"] == ask(api, alice, "executions")["totals"]
    last = WorkflowExecution.objects.filter(user=alice).latest("finished_at").finished_at
    assert datetime.fromisoformat(template["last_used_at"]) == last
    assert told["definitions"] == []
    assert sum(map(sum, told["active_hours"])) == 2
    assert sum(step["numbers"]["executions"] for step in told["series"]) == 2
    later = api(alice).get(f"/api/v1/{path}", {"from": "2020-01-01", "to": "2020-01-02"}).json()
    assert (later["totals"]["executions"], later["templates"]) == (0, [])
    assert api(admin).get(f"/api/v1/{path}").json()["templates"][0]["numbers"] == told["totals"]
    for door in ("api/v1/", ""):
        assert api(charlie).get(f"/{door}{path}").status_code == 404
    client.force_login(admin)
    assert path in client.get("/analytics/?by=user&of=all").text
    page = client.get(f"/{path}?range=7d")
    assert "What alice does" in page.text
    assert page.context["report"]["templates"][0]["numbers"] == told["totals"]
    assert client.get(f"/{path}?range=2h").status_code == 400


def test_what_a_user_does_is_compared_with_the_period_before(api, alice, charlie, client, at_noon):
    for ago in (timedelta(hours=1), timedelta(days=8), timedelta(days=9)):
        ended(alice, at_noon - ago)
        ended(charlie, at_noon - ago)
    path = f"analytics/users/{alice.pk}/"
    alone = api(alice).get(f"/api/v1/{path}").json()
    assert (alone["totals"]["executions"], alone["previous"]) == (1, None)
    assert (alone["previous_start"], alone["previous_rows"]) == (None, None)
    told = api(alice).get(f"/api/v1/{path}", {"compare": "true"}).json()
    assert told["previous"]["executions"] == 2
    assert len(api(alice).get(told["previous_rows"]).json()["results"]) == 2
    whole = ask(api, alice, "executions", compare="true")
    for name in ("totals", "previous", "previous_start", "previous_until", "previous_rows"):
        assert told[name] == whole[name]
    client.force_login(alice)
    (tile, *_) = client.get(f"/{path}").context["tiles"]
    assert (tile.shown, tile.before.shown) == (1, 2)


def test_when_something_was_last_used_is_told_as_clocks_of_the_zone_show_it(
    chats, api, alice, client
):
    path = f"analytics/users/{alice.pk}/?zone=Asia/Kathmandu"
    (template,) = api(alice).get(f"/api/v1/{path}").json()["templates"]
    last = WorkflowExecution.objects.filter(user=alice).latest("finished_at").finished_at
    there = last.astimezone(ZoneInfo("Asia/Kathmandu"))
    assert template["last_used_at"] == there.isoformat()
    client.force_login(alice)
    (line,) = client.get(f"/{path}").context["tables"][0].lines
    assert line.cells[-1].shown == f"{there:%Y-%m-%d %H:%M}"


def test_what_users_do_is_exported_as_the_other_reports_are(
    chats, api, alice, charlie, admin, client
):
    address = f"/api/v1/analytics/users/{alice.pk}/export/"
    for reader in (alice, admin):
        lines = orjson.loads(body_of(api(reader).get(address, {"as": "json"})))
        assert [(one["by"], one["label"], one["executions"]) for one in lines] == [
            ("", "", 2),
            ("template", "Universal chat", 2),
        ]
        assert {(one["completed"], one["failed"], one["totals_calls"]) for one in lines} == {
            (1, 1, lines[0]["totals_calls"])
        }
    rows = csv.DictReader(io.StringIO(body_of(api(alice).get(address)).decode()))
    assert [row["by"] for row in rows] == ["", "template"]
    book = body_of(api(alice).get(address, {"as": "xlsx"}))
    assert "xl/worksheets/sheet1.xml" in zipfile.ZipFile(io.BytesIO(book)).namelist()
    entry = AuditEntry.objects.filter(action="analytics.report.exported").latest("pk")
    assert (entry.detail["report"], entry.detail["of"]) == ("activity", str(alice.pk))
    assert api(charlie).get(address).status_code == 404
    client.force_login(admin)
    for page, label in (
        (f"/analytics/users/{alice.pk}/", ""),
        ("/analytics/?by=user&of=all", "alice"),
    ):
        (file,) = re.findall(r'<a href="([^"]*)">CSV</a>', client.get(page).text)
        sent = csv.DictReader(io.StringIO(body_of(client.get(unescape(file))).decode()))
        counts = {row["label"]: row["executions"] for row in sent}
        assert counts[label] == "2"


def test_an_export_of_what_a_user_does_is_of_one_instant(chats, api, drain, alice, monkeypatch):
    monkeypatch.setattr("analytics.reports.export._LINES", 1)
    address = f"/api/v1/analytics/users/{alice.pk}/export/"
    answer = api(alice).get(address, {"as": "jsonl"})

    def talk() -> None:
        api(alice).post("/api/v1/chat/", {"message": "hello", "mode": "background"})
        drain()

    async def talking() -> list[dict[str, Any]]:
        lines = []
        async for piece in answer.streaming_content:
            lines.append(orjson.loads(piece))
            await sync_to_async(talk)()
        return lines

    lines = async_to_sync(talking)()
    assert [(one["by"], one["executions"]) for one in lines] == [("", 2), ("template", 2)]


def test_staff_see_what_waits_and_who_works(chats, api, alice, admin):
    api(alice).post("/api/v1/chat/", {"message": "hello", "mode": "background"})
    told = ask(api, admin, "system")
    assert (told["queued"], told["running"], told["expired_leases"]) == (1, 0, 0)
    assert told["database_bytes"] > 0
