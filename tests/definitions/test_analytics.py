"""A definition's numbers come from what its runs really did."""

import csv
import io
import re
import zipfile
from datetime import datetime, timedelta
from decimal import Decimal
from html import unescape
from zoneinfo import ZoneInfo

import orjson
import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from analytics.definitions import numbers_of, percentile
from analytics.reports.export import FORMATS
from analytics.reports.span import Span
from analytics.rollups.facts import EXECUTIONS
from analytics.rollups.recount import rebuild
from audit.models import AuditEntry
from llms.models import ModelCall, ModelPrice
from llms.services.profiles import forget_profiles
from tests.analytics.files import body_of
from tests.analytics.past import AGO
from tests.approvals.desk import letter
from tests.definitions.graphs import asks, graph, waits
from workflows.models import Approval, WorkflowDefinition, WorkflowExecution
from workflows.services.definitions import create_definition


@pytest.fixture
def analysed(client, made, address, drain):
    """Three runs of two models and a pause, one of which fails at its first model."""
    ModelPrice.objects.update(
        input_nano_usd_per_mtok=1_000_000_000, output_nano_usd_per_mtok=2_000_000_000
    )
    forget_profiles()
    both = graph(asks("One.", node="one"), waits(0), asks("Two.", node="two"))
    client.patch(address, {"graph": both})
    client.post(address + "versions/2/publish/")
    for message in ("hello", "please fail", "hello again"):
        body = {"input": {"message": message}, "mode": "background"}
        assert client.post(address + "execute/", body).status_code == 202
        drain()
    return client.get(address + "analytics/").json()


def test_runs_and_failures_are_counted(analysed):
    assert (analysed["runs"], analysed["completed"], analysed["failed"]) == (3, 2, 1)
    assert (analysed["success_rate"], analysed["failure_rate"]) == (0.6667, 0.3333)
    assert 0 <= analysed["p50_ms"] <= analysed["p95_ms"]
    assert analysed["complexity"] == {"nodes": 5, "edges": 4, "paths": 1, "depth": 5}


def test_each_node_has_its_own_numbers(analysed):
    nodes = {node["node"]: node for node in analysed["nodes"]}
    assert set(nodes) == {"start", "one", "wait", "two", "end"}
    assert (nodes["one"]["visits"], nodes["one"]["failure_rate"]) == (3, 0.3333)
    assert (nodes["two"]["visits"], nodes["two"]["failure_rate"]) == (2, 0.0)
    assert (nodes["wait"]["calls"], nodes["wait"]["cost_share"]) == (0, 0.0)
    slowest = [node["p95_ms"] or 0 for node in analysed["nodes"]]
    assert slowest == sorted(slowest, reverse=True)


def test_how_long_visits_of_a_node_took_is_told_as_of_runs(analysed):
    """Their mean and their slowest, too."""
    nodes = {node["node"]: node for node in analysed["nodes"]}
    for told in (analysed, *(nodes[name] for name in ("one", "two", "wait"))):
        assert 0 <= told["p50_ms"] <= told["p95_ms"] <= told["p99_ms"]
        assert 0 <= told["mean_ms"] <= told["p99_ms"] + 0.05  # it is rounded


def test_how_long_a_node_waits_for_the_first_word_is_what_its_calls_did(client, address, analysed):
    for at, call in enumerate(ModelCall.objects.filter(node="one", status="succeeded")):
        ModelCall.objects.filter(pk=call.pk).update(first_token_ms=100 + at)
    nodes = {node["node"]: node for node in client.get(address + "analytics/").json()["nodes"]}
    told = [nodes["one"][f"first_token_{share}_ms"] for share in ("p50", "p95")]
    assert told == [100, 101]
    assert nodes["wait"]["first_token_p95_ms"] is None


def test_costs_add_up_to_the_ledger(analysed):
    known = sum(cost or 0 for cost in ModelCall.objects.values_list("cost_nano_usd", flat=True))
    assert known > 0
    told = sum(Decimal(node["cost"] or 0) for node in analysed["nodes"])
    assert told == Decimal(analysed["totals"]["cost"]) == Decimal(known).scaleb(-9)
    assert Decimal(analysed["mean_cost"]) == round(Decimal(known).scaleb(-9) / 3, 9)
    assert analysed["totals"]["calls"] == ModelCall.objects.count()
    assert sum(node["cost_share"] for node in analysed["nodes"]) == pytest.approx(1, abs=0.001)


def test_a_node_that_always_fails_has_no_time_and_the_page_says_why(client, address, made, drain):
    client.patch(address, {"graph": graph(asks(node="model"))})
    client.post(address + "versions/2/publish/")
    client.post(address + "execute/", {"input": {"message": "please fail"}, "mode": "background"})
    drain()
    nodes = {node["node"]: node for node in client.get(address + "analytics/").json()["nodes"]}
    assert (nodes["model"]["failure_rate"], nodes["model"]["p95_ms"]) == (1.0, None)
    door = Client()
    door.force_login(WorkflowDefinition.objects.get().owner)
    page = door.get(f"/analytics/definitions/{made['id']}/").text
    assert "those that failed do not count" in page


def test_only_the_last_runs_count(client, address, analysed):
    assert client.get(address + "analytics/?last=1").json()["failed"] == 0
    assert client.get(address + "analytics/?last=2").json()["failed"] == 1


@pytest.fixture
def one_long_ago(analysed):
    """The first of the three runs ended nine days ago; when the others did."""
    runs = WorkflowExecution.objects.order_by("finished_at")
    first = runs.first()
    WorkflowExecution.objects.filter(pk=first.pk).update(finished_at=first.finished_at - AGO)
    rebuild(EXECUTIONS)
    return [run.finished_at for run in runs]


def test_the_numbers_are_of_the_time_asked_for_and_of_the_one_before(client, address, one_long_ago):
    told = client.get(address + "analytics/?compare=true").json()
    assert (told["runs"], told["ended"], told["failed"]) == (2, 2, 1)
    assert (told["previous"]["runs"], told["previous"]["failed"]) == (1, 0)
    visits = {one["node"]: (one["visits"], one["previous"]["visits"]) for one in told["nodes"]}
    assert visits == {"start": (2, 1), "one": (2, 1), "wait": (1, 1), "two": (1, 1), "end": (1, 1)}
    alone = client.get(address + "analytics/").json()
    assert (alone["previous"], alone["previous_rows"], alone["nodes"][0]["previous"]) == (None,) * 3
    assert client.get(address + "analytics/?range=30d").json()["runs"] == 3
    there = ZoneInfo("Pacific/Kiritimati")
    day = one_long_ago[0].astimezone(there).date()
    dates = {"from": day, "to": day + timedelta(days=1), "zone": there.key, "compare": "true"}
    that_day = client.get(address + "analytics/", dates).json()
    assert (that_day["runs"], that_day["previous"]["runs"]) == (1, 0)
    assert that_day["start"] == f"{day}T00:00:00+14:00"


def test_a_node_that_was_visited_only_before_is_told_where_that_is_compared(
    client, address, one_long_ago, drain
):
    client.patch(address, {"graph": graph(asks(node="other"))})
    WorkflowExecution.objects.exclude(finished_at=one_long_ago[0]).delete()
    told = {one["node"]: one for one in _nodes(client, address, "?compare=true")}
    assert (told["two"]["visits"], told["two"]["previous"]["visits"]) == (0, 1)
    assert _nodes(client, address) == []


def _nodes(client, address, query=""):
    return client.get(f"{address}analytics/{query}").json()["nodes"]


def test_it_is_told_of_how_many_runs_the_newest_were_looked_at(client, made, address, one_long_ago):
    told = client.get(address + "analytics/?last=1&range=30d").json()
    assert (told["runs"], told["ended"]) == (1, 3)
    assert datetime.fromisoformat(told["since"]) == one_long_ago[-1]
    whole = client.get(address + "analytics/?last=3&range=30d").json()
    assert (whole["runs"], datetime.fromisoformat(whole["since"])) == (3, one_long_ago[0])
    door = Client()
    door.force_login(WorkflowDefinition.objects.get().owner)
    page = door.get(f"/analytics/definitions/{made['id']}/?last=1&range=30d")
    assert "3 runs ended in this time; these are the newest 1 of them" in page.text
    assert page.context["tiles"][0].shown == "1 of 3"


def test_runs_that_ended_in_the_same_instant_are_looked_at_together(client, address, one_long_ago):
    WorkflowExecution.objects.update(finished_at=one_long_ago[-1])
    rebuild(EXECUTIONS)
    told = client.get(address + "analytics/?last=1").json()
    assert (told["runs"], told["ended"]) == (3, 3)
    assert len(client.get(told["rows"]).json()["results"]) == 3


def test_the_nodes_are_exported_as_the_other_reports_are(
    client, api, charlie, made, address, one_long_ago
):
    path, asked = f"{address}analytics/export/", {"range": "30d", "last": 2}
    told = client.get(f"{address}analytics/", asked).json()
    lines = orjson.loads(body_of(client.get(path, {**asked, "as": "json"})))
    assert [one["node"] for one in lines] == [node["node"] for node in told["nodes"]]
    for line, node in zip(lines, told["nodes"], strict=True):
        assert {name: node[name] for name in node if name in line}.items() <= line.items()
        assert (line["runs"], line["ended"], line["since"]) == (2, 3, told["since"])
    rows = csv.DictReader(io.StringIO(body_of(client.get(path, asked)).decode()))
    assert [row["visits"] for row in rows] == [str(line["visits"]) for line in lines]
    book = body_of(client.get(path, {**asked, "as": "xlsx"}))
    assert "xl/worksheets/sheet1.xml" in zipfile.ZipFile(io.BytesIO(book)).namelist()
    entry = AuditEntry.objects.filter(action="analytics.report.exported").latest("pk")
    assert (entry.detail["report"], entry.detail["key"]) == ("nodes", made["id"])
    assert api(charlie).get(path).status_code == 404


def test_the_page_leads_to_other_times_and_to_files_of_what_it_shows(client, made, one_long_ago):
    door, path = Client(), f"/analytics/definitions/{made['id']}/"
    door.force_login(WorkflowDefinition.objects.get().owner)
    asked = {"range": "30d", "last": "10", "zone": "Asia/Kathmandu", "step": "day", "by": "user"}
    page = door.get(path, asked).text
    named = {unescape(one) for one in re.findall(r'href="(/api/v1/[^"]*)"', page)}
    assert len(named) == 1 + len(FORMATS)
    for address in named:
        assert door.get(address).status_code == 200, address
        assert "range=30d&zone=Asia%2FKathmandu&last=10" in address
    (other,) = re.findall(r'<a href="([^"]*)" >1y</a>', page)
    told = door.get(path + unescape(other)).context["report"]
    assert (told["zone"], told["ended"]) == ("Asia/Kathmandu", 3)
    dates = door.get(path, {"from": "2026-10-25", "to": "2026-10-24"})
    assert (dates.status_code, dates.context["problem"].code) == (400, "bad_span")


@pytest.mark.parametrize("last", ["0", "501", "-1", "x", "9" * 40])
def test_a_window_is_a_number_of_runs(client, address, last):
    answer = client.get(f"{address}analytics/?last={last}")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_window")


def test_a_page_shows_the_nodes_to_whom_the_workflow_is(
    client, made, analysed, alice, charlie, admin
):
    door, path = Client(), f"/analytics/definitions/{made['id']}/"
    door.force_login(alice)
    assert path in door.get("/analytics/?by=definition").text
    page = door.get(path)
    rows = dict(re.findall(r"<code>(\w+)</code></th>(.*?)</tr>", page.text, re.DOTALL))
    assert list(rows) == [node["node"] for node in analysed["nodes"]]
    for node in analysed["nodes"]:
        cells = re.findall(r'<td class="number">(.*?)</td>', rows[node["node"]])
        assert cells[0].endswith(f">{node['visits']}</a>")
        for at, name in enumerate(("mean_ms", "p50_ms", "p95_ms", "p99_ms"), 2):
            assert f'data-ms="{node[name]}"' in cells[at]
        waited = node["first_token_p95_ms"]
        assert ("data-ms" in cells[8]) is (waited is not None)
        assert waited is None or f'data-ms="{waited}"' in cells[8]
        assert f'data-cost="{node["cost"]}" data-exactness="{node["exactness"]}"' in cells[9]
        assert f'data-share="{node["cost_share"]}"' in cells[10]
    assert door.get(f"{path}?last=1").context["report"]["failed"] == 0
    assert (door.get(f"{path}?last=x").status_code, door.get(f"{path}x").status_code) == (400, 404)
    for user, status in ((charlie, 404), (admin, 200)):
        door.force_login(user)
        assert door.get(path).status_code == status


def test_without_runs_there_are_no_rates(client, address):
    told = client.get(address + "analytics/").json()
    assert (told["runs"], told["failure_rate"], told["p95_ms"], told["nodes"]) == (
        0,
        None,
        None,
        [],
    )


@given(st.lists(st.integers(), min_size=1), st.sampled_from([0.5, 0.95, 1.0]))
def test_a_percentile_is_one_of_the_values_and_large_enough(values, share):
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values)


def test_what_a_recording_or_a_cache_answered_is_not_how_long_a_node_takes(
    client, made, address, drain
):
    """A replay is no run; of a fork only what it asked counts; a cached visit has no duration."""
    both = graph(asks("One.", node="one"), asks("Two.", node="two", cache={"ttl_s": 60}))
    client.patch(address, {"graph": both})
    client.post(address + "versions/2/publish/")
    body = {"input": {"message": "hello"}, "mode": "background"}
    first = client.post(address + "execute/", body).json()["execution"]["id"]
    drain()
    for how, changed in (("replay", {}), ("fork", {"node": "two", "text": "other"})):
        client.post(f"/api/v1/executions/{first}/{how}/", changed)
        drain()
    client.post(address + "execute/", body)
    drain()
    told = client.get(address + "analytics/").json()
    nodes = {node["node"]: node for node in told["nodes"]}
    assert told["runs"] == 3
    assert (nodes["one"]["visits"], nodes["one"]["unasked_calls"]) == (2, 1)
    assert (nodes["two"]["visits"], nodes["two"]["calls"]) == (3, 3)
    assert nodes["two"]["unasked_calls"] == 1
    numbers = numbers_of(WorkflowDefinition.objects.get(pk=made["id"]), Span.of({}), 100)
    assert len(numbers.durations_ms) == 2
    assert len(numbers.nodes["one"].durations_ms) == 2
    assert len(numbers.nodes["two"].durations_ms) == 2


def test_what_a_rerun_repeats_is_no_visit_and_what_it_does_anew_is_one(
    client, made, address, drain
):
    """Also of nodes that ask nobody; a node that fails again has failed twice."""
    both = graph(asks("One.", node="one"), waits(0), asks("Two.", node="two"))
    client.patch(address, {"graph": both})
    client.post(address + "versions/2/publish/")
    for message, how, changed in (
        ("hello", "fork", {"node": "wait", "text": "other"}),
        ("please fail", "retry", {}),
    ):
        body = {"input": {"message": message}, "mode": "background"}
        first = client.post(address + "execute/", body).json()["execution"]["id"]
        drain()
        again = client.post(f"/api/v1/executions/{first}/{how}/", {**changed, "mode": "background"})
        assert again.status_code == 202
        drain()
    nodes = client.get(address + "analytics/").json()["nodes"]
    assert {node["node"]: (node["visits"], node["failure_rate"]) for node in nodes} == {
        "start": (2, 0),
        "one": (3, 0.6667),
        "wait": (2, 0),
        "two": (2, 0),
        "end": (2, 0),
    }
    numbers = numbers_of(WorkflowDefinition.objects.get(pk=made["id"]), Span.of({}), 100)
    took = {node.node: len(node.durations_ms) for node in numbers.nodes.values()}
    assert took == {"start": 2, "one": 1, "wait": 2, "two": 2, "end": 2}


def test_a_run_within_of_which_a_part_is_repeated_has_no_duration(client, alice, drain, built_in):
    inner = create_definition(owner=alice, name="in", graph=graph(asks(node="a"), asks(node="b")))
    sub = {"id": "sub", "type": "subworkflow", "config": {"definition": str(inner.id)}}
    outer = create_definition(owner=alice, name="out", graph=graph(sub))
    address = f"/api/v1/definitions/{outer.id}/"
    body = {"input": {"message": "hello"}, "mode": "background"}
    first = client.post(address + "execute/", body).json()["execution"]["id"]
    drain()
    fork = {"node": "sub/b", "text": "other", "mode": "background"}
    assert client.post(f"/api/v1/executions/{first}/fork/", fork).status_code == 202
    drain()
    numbers = numbers_of(outer, Span.of({}), 100).nodes["sub"]
    assert (numbers.visits, numbers.failures, numbers.unasked_calls) == (2, 0, 1)
    assert len(numbers.durations_ms) == 1


def test_a_visit_that_a_pause_was_in_has_no_duration(client, alice, drain, built_in):
    """What is measured of it is what followed the decision."""
    asked = create_definition(owner=alice, name="asks", graph=letter())
    body = {"input": {"message": "hello"}, "mode": "background"}
    client.post(f"/api/v1/definitions/{asked.id}/execute/", body)
    drain()
    approval = Approval.objects.get()
    decide = f"/api/v1/approvals/{approval.pk}/decide/"
    assert client.post(decide, {"decision": "approve"}).status_code == 200
    drain()
    nodes = numbers_of(asked, Span.of({}), 100).nodes
    took = {node.node: (node.visits, len(node.durations_ms)) for node in nodes.values()}
    assert took.pop("ask") == (1, 0)
    assert set(took.values()) == {(1, 1)}
