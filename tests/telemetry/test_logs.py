"""What stands in a line of the log, and what does not."""

import asyncio
import gc
import json
import logging

import pytest
from asgiref.sync import async_to_sync
from django.db import connection, models
from django.test import Client
from structlog.stdlib import ProcessorFormatter

from telemetry import slow_queries
from telemetry.instruments import REGISTRY
from tests.definitions.graphs import asks, graph, waits
from workflows.models import WorkflowExecution
from workflows.nodes.delay import DelayNode
from workflows.tracking.facts import CallOpened, Unit

pytestmark = pytest.mark.django_db


@pytest.fixture
def written():
    """All that is logged, as the server writes it in JSON."""
    texts = []
    formatters = [handler.formatter for handler in logging.getLogger().handlers]
    (formatter,) = [one for one in formatters if isinstance(one, ProcessorFormatter)]

    class Kept(logging.Handler):
        def emit(self, record):
            texts.append(formatter.format(record))

    kept = Kept()
    logging.getLogger().addHandler(kept)
    yield texts
    logging.getLogger().removeHandler(kept)


@pytest.fixture
def lines(written):
    return lambda event: [line for line in map(json.loads, written) if line["event"] == event]


@pytest.fixture
def broken(monkeypatch):
    """A node whose code has a mistake."""

    async def run(*_):
        raise ZeroDivisionError("a mistake of ours")

    monkeypatch.setattr(DelayNode, "run", run)


@pytest.mark.usefixtures("built_in")
def test_what_the_writer_cannot_write_is_a_line_with_all_ids(api, alice, drain, lines, monkeypatch):
    """It works for all runs, in the context of none."""
    monkeypatch.setattr(CallOpened, "write", classmethod(lambda *_: 1 / 0))
    ask = {"graph": graph(asks()), "input": {"message": "hello"}, "mode": "background"}
    api(alice).post("/api/v1/workflows/execute/", ask, headers={"X-Request-ID": "my-id"})
    drain()
    line = lines("writer.unit_failed")[0]
    execution = WorkflowExecution.objects.get()
    assert (line["request_id"], line["execution"]) == ("my-id", str(execution.id))
    assert "ZeroDivisionError" in line["exception"]


def test_what_failed_is_not_told_again_where_whoever_waited_has_gone(written):
    async def left():
        waiter = asyncio.get_running_loop().create_future()
        Unit([], waiter=waiter, error=ZeroDivisionError()).wake_waiter()

    async_to_sync(left)()
    gc.collect()
    assert written == []


@pytest.mark.usefixtures("built_in", "broken")
def test_a_mistake_in_a_node_is_one_line_with_all_ids(api, alice, drain, lines):
    started = api(alice).post(
        "/api/v1/workflows/execute/",
        {"graph": graph(waits(0, "rest")), "mode": "background"},
        headers={"X-Request-ID": "my-id"},
    )
    assert started.status_code == 202, started.json()
    drain()
    (line,) = lines("node.crashed")
    execution = WorkflowExecution.objects.get()
    assert (line["request_id"], line["execution"]) == ("my-id", str(execution.id))
    assert (line["node"], line["visit"], line["attempt"]) == ("rest", 1, 1)
    assert "ZeroDivisionError: a mistake of ours" in line["exception"]
    assert execution.status == "failed"


def test_a_mistake_in_a_view_is_one_line_with_the_id(lines, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("a mistake of ours")

    monkeypatch.setattr(models.QuerySet, "get", broken)
    answer = Client(raise_request_exception=False).post(
        "/api/v1/auth/token/",
        {"username": "a", "password": "pass-word"},
        content_type="application/json",
        headers={"X-Request-ID": "my-id"},
    )
    assert answer.status_code == 500
    (line,) = lines("request.failed")
    assert line["request_id"] == "my-id"
    assert "ZeroDivisionError" in line["exception"]
    assert "pass-word" not in line["exception"]


def test_a_slow_statement_is_told_with_its_place_and_without_its_values(lines, client, settings):
    settings.SLOW_QUERY_MS = 0.000_001
    slow_queries.watch(connection)
    before = REGISTRY.get_sample_value("chatter_slow_queries_total")
    client.post(
        "/api/v1/auth/token/",
        {"username": "never-tell-this", "password": "nor this"},
        content_type="application/json",
        headers={"X-Request-ID": "my-id"},
    )
    told = lines("database.slow_query")
    assert {line["request_id"] for line in told} == {"my-id"}
    assert any(line["at"].startswith("accounts/") for line in told)
    assert any('"username" = %s' in line["sql"] for line in told)
    assert "never-tell-this" not in json.dumps(told)
    assert REGISTRY.get_sample_value("chatter_slow_queries_total") == before + len(told) > before


def test_a_slow_statement_of_many_rows_is_told_as_one_of_them(lines, settings):
    slow_queries.watch(connection)
    settings.SLOW_QUERY_MS = 0.000_001
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 WHERE (1, 2) IN (VALUES (%s, %s), (%s, %s))", [1, 2, 3, 4])
        cursor.execute("SELECT 1 WHERE 1 IN (%s, %s, %s, %s, %s)", [1, 2, 3, 4, 5])
    assert [line["sql"] for line in lines("database.slow_query")] == [
        "SELECT 1 WHERE (1, 2) IN (VALUES (%s, %s), …)",
        "SELECT 1 WHERE 1 IN (%s, …)",
    ]


def test_a_quick_statement_is_not_told(lines, settings):
    settings.SLOW_QUERY_MS = 600_000
    slow_queries.watch(connection)
    slow_queries.watch(connection)
    assert connection.execute_wrappers.count(slow_queries.timed) == 1
    WorkflowExecution.objects.count()
    assert lines("database.slow_query") == []


@pytest.mark.parametrize("host", ["elsewhere.example", "a" * 10_000, "no host at all"])
def test_a_request_to_a_name_that_is_not_ours_is_one_short_line_and_no_error(
    lines, written, client, host
):
    told = client.get("/api/v1/templates/", headers={"host": host, "X-Request-ID": "my-id"})
    assert (told.status_code, told.json()["code"]) == (400, "unknown_host")
    assert told.headers["Content-Type"] == "application/problem+json"
    (line,) = lines("request.bad")
    assert (line["level"], line["request_id"]) == ("warning", "my-id")
    assert "exception" not in line
    assert [json.loads(one)["event"] for one in written] == ["request.bad", "request.answered"]
    assert len(written[0]) < 500
    page = client.get("/login/", headers={"host": host})
    assert (page.status_code, page.headers["Content-Type"][:9]) == (400, "text/html")
