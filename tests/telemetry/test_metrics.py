"""`/metrics`: who may ask, and that its counters are what the tables say."""

import asyncio

import pytest
from django.db import OperationalError, connection, transaction
from prometheus_client.parser import text_string_to_metric_families

from core.database import database
from telemetry.models import Tally
from telemetry.tallies import add_tool_calls
from tests.definitions.graphs import graph as edged
from tests.drills.models import asks, chain
from tests.factories.budgets import a_budget
from tests.telemetry.conftest import BEARER, TOKEN
from workflows.models import WorkflowExecution

pytestmark = pytest.mark.django_db
ONCE = "/api/v1/workflows/execute/"


@pytest.fixture
def scraped(client):
    """What a scrape says: values by name and labels."""

    def scrape(**headers):
        answer = client.get("/metrics", headers=headers or BEARER)
        assert answer.status_code == 200, answer.content
        families = text_string_to_metric_families(answer.content.decode())
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in families
            for sample in family.samples
        }

    return scrape


def value(found, name, **labels):
    return found[name, tuple(sorted(labels.items()))]


@pytest.fixture
def run(api, alice, drain):
    """Run a graph to its end, as the API starts it."""

    def start(graph, message="hello"):
        body = {"graph": graph, "input": {"message": message}, "mode": "background"}
        answer = api(alice).post(ONCE, body)
        assert answer.status_code == 202, answer.json()
        drain()
        return WorkflowExecution.objects.get(pk=answer.json()["execution"]["id"])

    return start


def with_tools():
    ask = {"id": "ask", "type": "model", "config": {"tools": ["calculator"]}}
    edges = ["start>ask", "ask.tool_calls>use", "use>ask", "ask>end"]
    return edged(ask, {"id": "use", "type": "tools"}, edges=edges)


def test_there_is_nothing_where_nobody_asked_for_metrics(client):
    assert client.get("/metrics", headers=BEARER).status_code == 404


@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize("shown", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}])
def test_without_the_token_nothing_is_told(client, shown):
    answer = client.get("/metrics", headers=shown)
    assert (answer.status_code, answer.content) == (401, b"")


@pytest.mark.parametrize(
    ("allowed", "forwarded", "proxies", "status"),
    [
        (["127.0.0.0/8"], {}, 0, 200),
        (["10.0.0.0/8"], {}, 0, 401),
        (["127.0.0.1"], {"X-Forwarded-For": "203.0.113.9"}, 0, 401),
        (["127.0.0.1"], {"X-Forwarded-For": "203.0.113.9"}, 1, 401),
        (["203.0.113.9"], {"X-Forwarded-For": "203.0.113.9"}, 1, 200),
    ],
)
def test_an_allowed_address_needs_no_token(client, settings, allowed, forwarded, proxies, status):
    """Behind a proxy that nobody declared, everybody would come from an allowed address."""
    settings.METRICS_ALLOW, settings.TRUSTED_PROXIES = allowed, proxies
    assert client.get("/metrics", headers=forwarded).status_code == status


def test_a_server_that_listens_for_both_kinds_of_address_knows_an_allowed_one(client, settings):
    settings.METRICS_ALLOW = ["127.0.0.1"]
    assert client.get("/metrics", REMOTE_ADDR="::ffff:127.0.0.1").status_code == 200


@pytest.mark.usefixtures("measured")
def test_what_ended_is_counted_once_with_its_tokens_and_its_cost(run, model, wire, scraped):
    wire.script("[[words=7]] [[cached=5]]", next=1)
    wire.script("[[fault=400]]", match="refuse")
    done, failed = run(chain(asks("ask"))), run(chain(asks("ask")), "refuse this")
    assert (done.status, failed.status) == ("completed", "failed")
    found = scraped()
    assert value(found, "chatter_execution_seconds_count", status="completed", rerun="") == 1
    assert value(found, "chatter_execution_seconds_count", status="failed", rerun="") == 1
    of_model = {"provider": "wire", "model": "gpt-test"}
    calls = "chatter_model_calls_total"
    exact = {**of_model, "exactness": "metered", "answered_by": "provider"}
    assert value(found, calls, **exact, status="succeeded") == 1
    assert value(found, calls, **exact, status="failed") == 1
    tokens = "chatter_model_tokens_total"
    assert value(found, tokens, **of_model, category="cache_read") == 5
    assert value(found, tokens, **of_model, category="output") == 7
    assert value(found, "chatter_model_cost_dollars_total", **of_model) == float(
        f"{done.cost_nano_usd / 1e9}"
    )
    bucket = "chatter_model_call_seconds_bucket"
    assert value(found, bucket, **of_model, status="succeeded", le="+Inf") == 1


@pytest.mark.usefixtures("measured", "model")
def test_a_call_that_a_budget_refused_has_taken_no_time(run, scraped):
    a_budget(cap=1)
    assert run(chain(asks("ask"))).error["code"] == "budget_exceeded"
    found = {name for name, _ in scraped()}
    assert "chatter_model_calls_total" in found
    assert "chatter_model_call_seconds_count" not in found


@pytest.mark.usefixtures("measured", "built_in")
def test_a_counter_does_not_go_back_when_what_it_counted_is_deleted(run, scraped):
    for _ in range(3):
        run(chain()).delete()
    found = scraped()
    assert value(found, "chatter_execution_seconds_count", status="completed", rerun="") == 3


@pytest.mark.usefixtures("built_in")
def test_where_nobody_asked_for_metrics_nothing_is_counted(run):
    run(chain())
    assert not Tally.objects.exists()


@pytest.mark.usefixtures("measured", "built_in")
def test_what_is_under_way_is_told_by_state(api, alice, scraped):
    body = {"graph": chain(), "mode": "background"}
    for _ in range(3):
        assert api(alice).post(ONCE, body).status_code == 202
    WorkflowExecution.objects.update(created_at="2026-01-01T00:00Z")
    found = scraped()
    assert value(found, "chatter_executions", status="pending") == 3
    assert value(found, "chatter_executions", status="running") == 0
    assert value(found, "chatter_queue_oldest_seconds") > 3600
    assert value(found, "chatter_database_up") == 1


@pytest.mark.usefixtures("measured")
def test_while_the_database_is_away_a_process_still_tells_of_itself(scraped, monkeypatch):
    def away(*_):
        raise OperationalError("connection refused")

    monkeypatch.setattr(connection, "cursor", away)
    found = scraped()
    assert value(found, "chatter_database_up") == 0
    assert value(found, "chatter_writer_queue") == 0
    assert not any(name.startswith("chatter_executions") for name, _ in found)


@pytest.mark.usefixtures("measured")
def test_nobody_who_scrapes_waits_for_a_database_that_says_nothing(scraped, monkeypatch):
    async def silent(_):
        await asyncio.Event().wait()

    monkeypatch.setattr(database, "run", silent)
    monkeypatch.setattr("telemetry.views._DATABASE_S", 0.05)
    found = scraped()
    assert value(found, "chatter_database_up") == 0
    assert value(found, "chatter_writer_queue") == 0


@pytest.mark.usefixtures("measured")
def test_requests_are_told_by_their_route_not_by_their_address(client, scraped):
    client.get("/api/v1/executions/00000000-0000-0000-0000-000000000000/")
    client.get("/no/such/page/?token=secret")
    client.generic("SPY", "/login/")
    routes = {
        dict(labels).get("route"): dict(labels)["method"]
        for name, labels in scraped()
        if name == "chatter_http_request_seconds_count"
    }
    assert {"", "login/"} <= set(routes)
    assert any(route.startswith("api/v1/executions/<") for route in routes)
    known = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}  # of other tests, too
    assert {"other"} <= set(routes.values()) <= {*known, "other"}


@pytest.mark.usefixtures("measured", "built_in")
def test_calls_of_tools_are_counted_and_what_a_model_made_up_is_no_label(run, scraped):
    """Else whoever talks to a model could make as many series as they like."""
    run(with_tools(), 'use the tool calculator {"expression": "6 * 7"}')
    made_up = {"tool": "zzz", "error_code": "unknown_tool", "answered_by": "tool"}
    with transaction.atomic():
        add_tool_calls([{**made_up, "status": "failed", "latency_ms": 0}])
    found = scraped()
    name = "chatter_tool_call_seconds_count"
    assert value(found, name, tool="calculator", status="succeeded") == 1
    assert value(found, name, tool="", status="failed") == 1


@pytest.mark.usefixtures("measured", "built_in")
def test_a_call_of_a_tool_that_a_recording_answered_has_taken_no_time(
    run, scraped, api, alice, drain
):
    first = run(with_tools(), 'use the tool calculator {"expression": "6 * 7"}')
    body = {"mode": "background"}
    assert api(alice).post(f"/api/v1/executions/{first.pk}/replay/", body).status_code == 202
    drain()
    found = scraped()
    of_tool = {"tool": "calculator", "status": "succeeded"}
    assert value(found, "chatter_tool_call_seconds_count", **of_tool) == 1
    calls = "chatter_tool_calls_total"
    assert value(found, calls, **of_tool, answered_by="tool") == 1
    assert value(found, calls, **of_tool, answered_by="recording") == 1


@pytest.mark.usefixtures("measured", "built_in")
def test_a_scrape_asks_the_same_few_questions_whatever_is_in_the_tables(
    run, client, django_assert_max_num_queries
):
    run(chain())
    with django_assert_max_num_queries(12):
        assert client.get("/metrics", headers=BEARER).status_code == 200
