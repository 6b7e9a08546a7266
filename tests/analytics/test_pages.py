"""The pages of analytics show what the reports say, of the time that is asked for."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client

from accounts.models import User
from analytics.reports.export import FORMATS
from tests.factories.llms import CallFactory
from tests.factories.tools import ToolCallFactory

pytestmark = pytest.mark.django_db
PAGES = ("", "models/", "tools/", "conversations/")


@pytest.fixture
def door(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def form_of(page: str) -> dict[str, str]:
    """What the browser sends of the form of dates, nothing changed."""
    form = re.search(r'<form class="report-dates".*?</form>', page, re.DOTALL)
    assert form
    found: dict[str, str] = {}
    for one in re.findall(r"<input[^>]*>", form[0]):
        at = dict(re.findall(r'(\w+)="([^"]*)"', one))
        found[at["name"]] = at.get("value", "")
    return found


@pytest.mark.parametrize("path", PAGES)
def test_each_page_takes_dates_and_a_time_zone_by_a_plain_form(door, path):
    address = f"/analytics/{path}"
    empty = form_of(door.get(address).text)
    assert empty == {"from": "", "to": "", "zone": ""}
    assert door.get(address, empty).status_code == 200
    asked = {"from": "2026-10-25", "to": "2026-10-27", "zone": "Europe/Paris"}
    page = door.get(address, asked)
    assert page.status_code == 200
    assert "2026-10-25T00:00 to 2026-10-27T00:00" in page.text
    assert form_of(page.text) == asked
    assert '<option value="Europe/Paris">' in page.text
    assert '<option value="localtime">' not in page.text
    assert "1h</a>" in page.text
    assert 'aria-current="true">7d' not in page.text


def test_the_live_page_says_in_which_zone_today_is(client: Client, admin: User) -> None:
    client.force_login(admin)
    page = client.get("/analytics/live/").text
    assert "Cost today" in page
    assert "Today is the day in UTC." in page


@pytest.mark.parametrize("path", ["", "conversations/", "users/{}/"])
def test_the_files_and_the_api_a_page_names_answer_whatever_it_was_asked(door, alice, path):
    asked = {"range": "24h", "of": "me", "by": "template", "key": "x", "step": "hour"}
    page = door.get(f"/analytics/{path.format(alice.pk)}", asked).text
    named = {unescape(one) for one in re.findall(r'href="(/api/v1/analytics/[^"]*)"', page)}
    assert len(named) == 1 + len(FORMATS)
    for address in named:
        assert door.get(address).status_code == 200, address


def test_the_form_keeps_what_else_was_asked_and_counts_those_days(door, alice):
    at = datetime(2026, 10, 25, 22, 30, tzinfo=UTC)
    for hours in (0, 1, 48):
        CallFactory(user=alice, started_at=at + timedelta(hours=hours), model="m")
    page = door.get("/analytics/models/", {"by": "model", "step": "day", "range": "1y"})
    sent = form_of(page.text)
    assert (sent["by"], sent["step"], sent["range"]) == ("model", "day", "1y")
    sent |= {"from": "2026-10-25", "to": "2026-10-26", "zone": "Europe/Paris"}
    report: Any = door.get("/analytics/models/", sent).context["report"]
    assert (report["totals"]["calls"], report["by"], report["step"]) == (1, "model", "day")


@pytest.mark.parametrize("path", PAGES[:3])
def test_how_long_all_of_it_took_is_told_without_any_grouping(door, alice, path):
    """Of a few that took long, neither a mean nor p95 tells."""
    for calls in (CallFactory, ToolCallFactory):
        calls(user=alice, latency_ms=40)
    labels = [one.label for one in door.get(f"/analytics/{path}").context["tiles"]]
    assert {"Mean time", "Median", "95 of 100 within", "99 of 100 within"} <= set(labels)


def runs_on(page: str) -> int:
    return page.count('data-label="Status"')


def linked(page: str, label: str) -> str:
    """The address behind a tile."""
    found = re.search(rf'<dt>{label}</dt><dd><a href="([^"]*)">', page)
    assert found
    return unescape(found[1])


def test_figures_of_executions_lead_to_a_page_of_the_rows_behind_them(
    client, api, built_in, drain, alice, charlie, admin
):
    for user, text in ((alice, "hello"), (alice, "please break"), (charlie, "hello")):
        api(user).post("/api/v1/chat/", {"message": text, "mode": "background"})
        drain()
    for reader, query, counts in (
        (alice, "", (2, 1, 1)),
        (admin, "&of=all", (3, 2, 1)),
        (admin, f"&of={alice.pk}", (2, 1, 1)),
        (admin, "", (0, 0, 0)),
    ):
        client.force_login(reader)
        page = client.get(f"/analytics/?by=template{query}").text
        for label, count in zip(("Executions", "Completed", "Failed"), counts, strict=True):
            assert runs_on(client.get(linked(page, label)).text) == count, (reader, query, label)
        for address in re.findall(r'<td><a href="(/executions/[^"]*)">list', page):
            shown = client.get(unescape(address)).text
            assert runs_on(shown) == counts[0]
            assert "template Universal chat" in shown
    client.force_login(alice)
    own = client.get(f"/analytics/users/{alice.pk}/").text
    assert runs_on(client.get(linked(own, "Failed")).text) == 1


def test_the_list_of_executions_shows_what_is_asked_for_and_how_to_ask_for_less(
    client, api, built_in, drain, alice, charlie, admin
):
    for user in (alice, charlie):
        api(user).post("/api/v1/chat/", {"message": "hello", "mode": "background"})
        drain()
    client.force_login(alice)
    for query in (f"user={charlie.pk}", "status=failed", f"template={charlie.pk}"):
        page = client.get(f"/executions/?{query}").text
        assert (runs_on(page), "charlie" in page) == (0, False)
    assert runs_on(client.get("/executions/?of=all").text) == 1
    assert client.get("/executions/?finished_after=yesterday").status_code == 400
    client.force_login(admin)
    asked = f"/executions/?status=completed&user={charlie.pk}&finished_after=2020-01-01T00:00Z"
    page = client.get(asked).text
    assert runs_on(page) == 1
    (less,) = re.findall(r'<a href="([^"]*)" aria-label="Not only of charlie"', page)
    assert dict(QueryDict(unescape(less).removeprefix("?")).items()) == {
        "status": "completed",
        "finished_after": "2020-01-01T00:00Z",
    }


@pytest.mark.parametrize("path", PAGES)
def test_dates_that_are_none_are_told_and_stay_in_the_form(door, path):
    asked = {"from": "2026-10-25", "to": "2026-10-24", "zone": "Mars/Olympus"}
    page = door.get(f"/analytics/{path}", asked)
    assert page.status_code == 400
    assert "bad_span" in page.text
    assert form_of(page.text) == asked


def test_what_failed_of_calls_of_tools_is_the_same_everywhere_on_their_page(door, alice):
    for status in ("succeeded", "failed", "timed_out", "timed_out", "refused"):
        ToolCallFactory(user=alice, status=status)
    page = door.get("/analytics/tools/?by=tool&range=24h&step=day")
    (group,), steps = page.context["tables"][0].lines, page.context["steps"].lines
    places = (page.context["tiles"], group.cells, steps[-1].cells)
    failed = [next(one for one in cells if one.label == "Failed") for cells in places]
    share = '<span data-share="0.6">0.6</span>'
    assert [one.shown for one in failed] == [share, share, 3]
    for one in failed:
        statuses = [row["status"] for row in door.get(one.address).context["rows"]]
        assert sorted(statuses) == ["failed", "timed_out", "timed_out"]


@pytest.mark.parametrize("path", ["", "models/", "tools/"])
def test_every_line_of_a_chart_of_times_is_in_the_table_beside_it(door, path):
    page = door.get(f"/analytics/{path}")
    columns = page.context["steps"].columns
    lines = re.findall(r'label: "(p\d+)"', Path("static/js/analytics/report.js").read_text())
    assert re.search(r'data-chart="(duration|latency)"', page.text)
    assert [one for one in columns if one.startswith("p")] == lines


def test_tokens_by_kind_are_marked_where_some_are_unknown(door, alice):
    CallFactory(user=alice, exactness="open")
    page = door.get("/analytics/models/?by=model&range=24h")
    (group,) = page.context["tables"][0].lines
    for label in ("Input", "Cache read", "Cache write", "Output", "Reasoning"):
        cell = next(one for one in group.cells if one.label == label)
        assert 'data-exactness="open"' in cell.shown
