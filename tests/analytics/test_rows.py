"""Every figure of the pages leads to the rows that it is reckoned from, and to no others."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from html import unescape
from itertools import pairwise
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from analytics.figures import Cell
from analytics.reports.span import Span
from analytics.rollups.facts import EXECUTIONS
from analytics.rollups.recount import rebuild
from core import clock
from tests.analytics.past import SUM, lived, say
from tests.factories.llms import CallFactory
from tests.factories.tools import ToolCallFactory
from workflows.models import WorkflowExecution

pytestmark = pytest.mark.django_db
Row = Mapping[str, Any]
Numbers = Mapping[str, Any]
TOTALS = ("Tokens", "Tokens in", "Tokens out", "Input", "Cache read", "Cache write", "Output")
# What is no count of rows: nothing keeps them, or they are no rows of anything.
NO_ROWS = {
    "Commits to add up",  # taken within a second, in the order of their numbers
    "Units to write here",  # in the memory of one process, and so is all that follows
    "The oldest of them, here",
    "The oldest, of any pump",
    "Sockets and streams here",
    "Database",  # how large it is
}


@dataclass(frozen=True)
class Seen:
    """One figure, the numbers it is of, and the rows that it leads to."""

    label: str
    cell: Cell
    numbers: Numbers
    rows: Sequence[Row]


@pytest.fixture
def workflow(
    api: Any, built_in: None, drain: Callable[[], None], alice: User, charlie: User
) -> str:
    return lived(api, drain, alice, charlie)


REPORTS = [
    *(f"/analytics/?by={by}" for by in ("template", "definition", "version", "status", "user")),
    *(f"/analytics/models/?by={by}" for by in ("model", "provider", "status", "user")),
    *(f"/analytics/tools/?by={by}" for by in ("tool", "status", "user")),
    "/analytics/?by=status&key=completed",
    "/analytics/models/?by=status&key=succeeded",
    "/analytics/?range=24h&zone=Asia/Kathmandu",
    "/analytics/models/?range=30d&zone=Asia/Kathmandu",
]


def rows_of(client: Client, address: str) -> list[Row]:
    """What the page lists, which is what the API's list of the same name does."""
    page = client.get(address)
    assert page.status_code == 200, address
    found = page.context.get("rows", page.context.get("executions"))
    assert page.text.count("<tr>") == max(len(found) + 1, 0) if found else True
    assert page.context["next"] is None
    in_api = re.sub(r"[?&]of=all\b", "", address)  # there staff see all
    over_api = client.get(f"/api/v1{in_api.replace('/&', '/?')}").json()["results"]
    assert [str(one["id"]) for one in found] == [one["id"] for one in over_api], address
    return over_api


class Listed(dict[str, list[Row]]):
    """What addresses lead to, each asked for once: many figures of many pages share it."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def __missing__(self, address: str) -> list[Row]:
        self[address] = rows_of(self._client, address)
        return self[address]


def seen(listed: Listed, cells: Sequence[Cell], numbers: Numbers) -> list[Seen]:
    return [Seen(one.label, one, numbers, listed[one.address]) for one in cells]


def checked(one: Seen) -> bool:
    """Whether the rows are what the figure was reckoned from."""
    numbers, rows, label = one.numbers, one.rows, one.label
    statuses = {row.get("status") for row in rows}
    if label in ("Executions", "In an hour", "Mean cost", "Cost", "Calls", *TOTALS):
        count = numbers.get("executions", numbers.get("calls"))
        return len(rows) == count and _adds_up(numbers.get("totals"), rows)
    if label in ("Completed", "Cancelled"):
        return len(rows) == numbers[label.lower()] and statuses <= {label.lower()}
    if label in ("Refused", "Timed out"):
        name = label.lower().replace(" ", "_")
        return len(rows) == numbers[name] and statuses <= {name}
    if label == "Failed":
        wanted = numbers["failed"] + numbers.get("timed_out", 0)
        return len(rows) == wanted and statuses <= {"failed", "timed_out"}
    if label == "Reasoning":
        return len(rows) == numbers["calls"]
    return _spread(label, numbers, rows)


def _adds_up(totals: Numbers | None, rows: Sequence[Row]) -> bool:
    if totals is None:  # calls of tools cost nothing
        return True
    told = [row.get("totals", row) for row in rows]
    tokens = sum(one["usage"]["total"] or 0 for one in told)
    cost = sum((Decimal(one["cost"] or 0) for one in told), Decimal())
    return (tokens, cost) == (totals["total_tokens"], Decimal(totals["cost"] or 0))


def _spread(label: str, numbers: Numbers, rows: Sequence[Row]) -> bool:
    """The mean to the digit, percentiles as exact as their buckets."""
    if label.startswith("First word"):
        spread, name = numbers["first_token"], "first_token_ms"
    elif "duration" in numbers:
        spread, name = numbers["duration"], "duration_ms"
    else:
        spread, name = numbers["latency"], "latency_ms"
    took = sorted(row[name] for row in rows)
    if not took:
        return spread["count"] == 0
    mean = round(sum(took) / len(took), 1)
    return (len(took), mean, took[0], took[-1]) == tuple(
        spread[one] for one in ("count", "mean_ms", "min_ms", "max_ms")
    )


def all_on(listed: Listed, page: Any, groups: Sequence[tuple[Any, Sequence[Row]]]) -> list[Seen]:
    """The figures in all, step by step (of steps in which nothing was, one) and by group."""
    report, tiles = page.context["report"], page.context["tiles"]
    figures = seen(listed, tiles, report["totals"])
    if before := [one.before for one in tiles if one.before]:
        figures += seen(listed, before, report["previous"])
    steps = [*zip(page.context["steps"].lines, report["series"], strict=True)]
    empty = [one for one in steps if not one[0].cells[0].shown]
    for line, step in (*(one for one in steps if one not in empty), *empty[:1]):
        figures += seen(listed, line.cells, step["numbers"])
    for table, told in groups:
        for line, group in zip(table.lines, told, strict=True):
            of_numbers = [one for one in line.cells if one.label not in ("Helpful", "Last")]
            figures += seen(listed, of_numbers, group["numbers"])
            for rated in (one for one in line.cells if one.label == "Helpful"):
                assert len(listed[rated.address]) == group["ratings"]
    return figures


@pytest.mark.parametrize("of", ["me", "all"])
def test_each_figure_of_a_report_leads_to_its_rows_whatever_happened_since(
    client, api, drain, alice, charlie, admin, workflow, of
):
    """As it is told to whom it belongs, and of everyone to staff."""
    client.force_login(admin if of == "all" else alice)
    pages = [client.get(f"{path}&of={of}") for path in REPORTS]
    for user, text in ((alice, SUM), (charlie, "please break")):
        say(api(user), text, drain)
    listed = Listed(client)
    for page in pages:
        told = page.context["report"]["groups"]
        figures = all_on(listed, page, [(one, told) for one in page.context["tables"]])
        assert [one for one in figures if not checked(one)] == []
        assert len({len(one.rows) for one in figures}) > 2


def test_what_is_shown_of_one_user_leads_to_their_rows(client, alice, admin, workflow):
    for reader in (alice, admin):
        client.force_login(reader)
        page = client.get(f"/analytics/users/{alice.pk}/")
        report = page.context["report"]
        assert report["totals"]["executions"] > 5
        told = [report["templates"], report["definitions"]]
        tables = [*zip(page.context["tables"], told, strict=True)]
        listed = Listed(client)
        figures = all_on(listed, page, tables)
        assert [one for one in figures if not checked(one)] == []
        for table, groups in tables:
            for line, group in zip(table.lines, groups, strict=True):
                last = line.cells[-1]
                newest = max(one["finished_at"] for one in listed[last.address])
                minute = group["last_used_at"][:16]
                assert (newest[:16], last.shown) == (minute, minute.replace("T", " "))


def test_an_hour_of_the_week_leads_to_what_ended_in_it(client, alice, admin, workflow):
    for reader, path in (
        (alice, "/analytics/conversations/?zone=UTC"),
        (admin, "/analytics/conversations/?of=all&zone=America/St_Johns"),
        (admin, f"/analytics/users/{alice.pk}/?zone=Asia/Kathmandu"),
    ):
        client.force_login(reader)
        page = client.get(f"{path}&range=30d")
        hours = [hour for _, row in page.context["hours"] for hour in row]
        busy = [hour for hour in hours if hour.count]
        assert sum(hour.count for hour in busy) > 5
        for hour in (*busy, next(hour for hour in hours if not hour.count)):
            assert len(rows_of(client, hour.address)) == hour.count


def test_conversations_and_ratings_lead_to_their_rows(client, alice, charlie, admin, workflow):
    for reader, query in ((alice, ""), (admin, "?of=all"), (admin, f"?of={charlie.pk}")):
        client.force_login(reader)
        page = client.get(f"/analytics/conversations/{query}")
        listed = Listed(client)
        report = page.context["report"]
        for tiles, numbers in (
            (page.context["tiles"], report),
            ([one.before for one in page.context["tiles"]], report["previous"]),
        ):
            rows = {one.label: listed[one.address] for one in tiles}
            for label in ("Conversations", "Messages", "Messages in each", "Longest"):
                lengths = [one["message_count"] for one in rows[label]]
                assert len(lengths) == numbers["conversations"] > 0
                assert (sum(lengths), max(lengths)) == (
                    numbers["messages"],
                    numbers["most_messages"],
                )
            assert len(rows["Rated helpful"]) == numbers["helpful"]
            assert len(rows["Satisfaction"]) == numbers["helpful"] + numbers["unhelpful"]


def test_staff_see_how_long_others_talked_and_not_about_what(client, alice, admin, workflow):
    client.force_login(admin)
    page = client.get("/analytics/conversations/rows/?of=all")
    assert len(page.context["rows"]) > 5
    assert "alice" in page.text
    for text in ("hello", "please break", "calculator"):
        assert text not in page.text
        assert text not in client.get("/api/v1/analytics/conversations/rows/").content.decode()
    client.force_login(alice)
    assert "please break" in client.get("/analytics/conversations/rows/").text


def test_staff_see_when_others_wrote_and_not_what(client, alice, admin, workflow):
    path = "/analytics/messages/"
    client.force_login(admin)
    page = client.get(f"{path}?of=all")
    assert len(page.context["rows"]) > 5
    assert "alice" in page.text
    for text in ("hello", "please break", "calculator"):
        assert text not in page.text
        assert text not in client.get(f"/api/v1{path}").content.decode()
    client.force_login(alice)
    rows = rows_of(client, path)
    assert {"hello", "please break", SUM} <= {row["begins"] for row in rows}
    assert {row["user"] for row in rows} == {str(alice.pk)}
    assert "please break" in client.get(path).text


def test_the_nodes_of_a_workflow_lead_to_their_calls_and_runs_whatever_happened_since(
    client, api, drain, alice, admin, workflow
):
    """Of all runs of the time, and of the last two: the last to end was the first to begin."""
    runs = WorkflowExecution.objects.filter(definition=workflow).exclude(rerun="replay")
    _, first, *_, newest = runs.order_by("finished_at")
    later = newest.finished_at + timedelta(milliseconds=1)
    WorkflowExecution.objects.filter(pk=first.pk).update(finished_at=later)
    rebuild(EXECUTIONS)
    asked = [(reader, last) for reader in (alice, admin) for last in (10, 2)]
    pages = [definition_page(client, reader, workflow, last) for reader, last in asked]
    say(api(alice), SUM, drain, definition=workflow)
    for (reader, last), page in zip(asked, pages, strict=True):
        client.force_login(reader)
        listed = Listed(client)
        report, tiles = page.context["report"], page.context["tiles"]
        assert (report["runs"], report["ended"]) == (min(last, 4), 4)
        assert tiles[0].shown == ("4" if last > 4 else f"{last} of 4")
        runs_lead_to_their_rows(listed, tiles, report)
        runs_lead_to_their_rows(listed, [one.before for one in tiles], report["previous"])
        nodes = page.context["tables"][0].lines
        for line, node in zip(nodes, report["nodes"], strict=True):
            rows = {one.label: listed[one.address] for one in line.cells}
            assert len(rows["Visits"]) == report["runs"]
            assert len(rows["Calls"]) == len(rows["Cost"]) == node["calls"]
            assert len(rows["Not asked anew"]) == node["unasked_calls"]
            heard = sorted(one["first_token_ms"] for one in rows["First word, p95"])
            assert (heard or [None])[-1] == node["first_token_p95_ms"]
            cost = sum(Decimal(one["cost"] or 0) for one in rows["Cost"])
            assert cost == Decimal(node["cost"] or 0)
        assert max(node["calls"] for node in report["nodes"]) > (5 if last > 2 else 1)


def definition_page(client: Client, reader: User, workflow: str, last: int) -> Any:
    client.force_login(reader)
    return client.get(f"/analytics/definitions/{workflow}/?last={last}")


def runs_lead_to_their_rows(listed: Listed, tiles: Sequence[Cell], report: Numbers) -> None:
    rows = {one.label: listed[one.address] for one in tiles}
    for label in ("Runs", "Tokens", "Cost", "Mean cost"):
        assert len(rows[label]) == report["runs"] > 0
        assert _adds_up(report["totals"], rows[label])
    for label, name in (("Completed", "completed"), ("Failed", "failed")):
        assert len(rows[label]) == report[name]
    for label in ("Mean time", "Median", "95 of 100 within", "99 of 100 within"):
        took = [one["duration_ms"] for one in rows[label]]
        assert round(sum(took) / len(took), 1) == report["mean_ms"]
    rated = report["helpful_replies"] + report["unhelpful_replies"]
    assert len(rows["Satisfaction"]) == rated


def figures_on(page: str) -> list[str]:
    """What stands where figures stand: tiles, and cells of numbers."""
    return re.findall(
        r'<(?:dd|td)(?: class="(?:before|number)[^"]*")?>(.*?)</(?:dd|td)>', page, re.S
    )


def test_no_figure_is_without_its_rows(client, alice, admin, workflow):
    client.force_login(admin)
    pages = [*REPORTS, "/analytics/conversations/", f"/analytics/users/{alice.pk}/"]
    for path in (*pages, f"/analytics/definitions/{workflow}/"):
        shown = client.get(f"{path}{'&' if '?' in path else '?'}of=all").text
        figures = figures_on(shown)
        assert len(figures) > 5
        assert [one for one in figures if '<a href="/' not in one] == [], path
    live = client.get("/analytics/live/").text
    facts = re.findall(r"<dt>([^<]*)</dt><dd>(.*?)</dd>", live, re.S)
    bare = {label for label, shown in facts if not re.search(r"<a (href|data-live)=", shown)}
    assert bare == NO_ROWS
    for _, shown in facts:
        for address in re.findall(r'href="([^"]*)"', shown):
            assert client.get(unescape(address)).status_code == 200


def test_an_address_can_ask_for_less_and_says_what_it_cannot_understand(client, alice, workflow):
    client.force_login(alice)
    page = client.get("/model-calls/?status=failed&provider=demo")
    assert {one["status"] for one in page.context["rows"]} == {"failed"}
    (chip,) = page.context["chips"]
    assert (chip.name, chip.value, chip.address) == ("provider", "demo", "?status=failed")
    nodes = f"/analytics/definitions/{workflow}/calls/"
    assert len(client.get(f"{nodes}?within=model").context["rows"]) > 0
    for path in (
        *("/model-calls/?started_after=x", "/tool-calls/?status=broken,failed"),
        *(f"{nodes}?finished_after=x", "/model-calls/?min_latency_ms=-1"),
    ):
        page = client.get(path)
        assert (page.status_code, len(page.context["rows"])) == (400, 0)
        assert client.get(f"/api/v1{path}").status_code == 400
    assert client.get("/model-calls/?min_latency_ms=1e49").context["rows"] == []
    assert "Nothing matches" in client.get("/tool-calls/?tool=none").text
    for path in ("/executions/?zone=Mars", "/executions/?weekday=8", "/analytics/ratings/?user=x"):
        assert client.get(path).status_code == 400
    [zone] = client.get("/api/v1/executions/?zone=Mars").json()["detail"]["errors"]
    assert (zone["path"], zone["code"]) == ("zone", "unknown_zone")


def test_rows_of_others_are_for_staff(client, alice, charlie, admin, workflow):
    paths = (
        *("model-calls/", "tool-calls/", "analytics/conversations/rows/"),
        *("analytics/messages/", "analytics/ratings/"),
    )
    for path in paths:
        client.force_login(charlie)
        for query in ("of=all", f"user={alice.pk}"):
            page = client.get(f"/{path}?{query}")
            assert "alice" not in page.text
        assert client.get(f"/{path}?user={alice.pk}").context["rows"] == []
        client.force_login(admin)
        assert client.get(f"/{path}").context["rows"] == []
        assert len(client.get(f"/{path}?user={alice.pk}").context["rows"]) > 0
    client.force_login(charlie)
    assert client.get(f"/analytics/definitions/{workflow}/calls/").status_code == 404


def test_steps_do_not_overlap_and_leave_nothing_out():
    for zone in ("UTC", "Asia/Kathmandu", "Europe/Paris", "America/St_Johns"):
        span = Span.of({"from": "2026-10-20T10:00", "to": "2026-10-28T15:00", "zone": zone})
        times: list[tuple[datetime, datetime]] = [
            (span.step_from(at), span.step_until(at)) for at in span.steps
        ]
        assert (times[0][0], times[-1][1]) == (span.starts_at, span.until)
        assert all(one[1] == other[0] for one, other in pairwise(times))


@pytest.mark.parametrize(
    ("path", "calls"),
    [("models", CallFactory), ("tools", ToolCallFactory)],
    ids=["models", "tools"],
)
def test_a_call_that_was_under_way_is_not_behind_what_was_told_before(client, alice, path, calls):
    calls(user=alice)
    under_way = calls(user=alice, status="open", settled_at=None)
    client.force_login(alice)
    tiles = client.get(f"/analytics/{path}/").context["tiles"]
    (cell,) = (one for one in tiles if one.label == "Calls")
    assert cell.shown == len(rows_of(client, cell.address)) == 1
    under_way.status, under_way.settled_at = "succeeded", clock.now()
    under_way.save()
    assert len(rows_of(client, cell.address)) == 1
