"""`/readyz`: what this process needs, and what it works with."""

import os
from threading import Event

import pytest
from django.db import connection

from chatter_project import health
from core import clock
from core.database import database
from tests.definitions.graphs import graph
from tests.drills.models import chain
from tests.telemetry.full_redis import full_redis
from workflows.models import WorkflowExecution
from workflows.pump.presence import beat
from workflows.pump.queue import queue_now
from workflows.tracking.writer import writer

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def serving(settings):
    """A server beside a worker."""
    settings.CHATTER_PUMP, settings.REDIS_URL = "workers", ""
    beat("one", "", claiming=True, running=0)
    writer.start()
    yield
    writer.stop()


@pytest.fixture
def ready(client):
    def ask():
        answer = client.get("/readyz")
        return answer.status_code, answer.json()

    return ask


def test_it_is_ready_and_says_with_what(ready):
    status, told = ready()
    assert (status, told["status"]) == (200, "ok")
    assert (told["migrations_missing"], told["redis"], told["leases_expired"]) == (0, None, 0)
    assert told["database_ms"] >= 0


def test_a_migration_that_is_not_applied_keeps_it_from_being_ready(ready):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'telemetry'")
    assert ready()[0] == 503
    assert ready()[1]["migrations_missing"] == 1


def test_a_database_that_can_only_be_read_keeps_it_from_being_ready(ready):
    if connection.vendor != "postgresql":
        pytest.skip("of PostgreSQL")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL transaction_read_only = on")
    assert ready()[0] == 503
    assert ready()[1]["database_read_only"] is True


def test_a_file_that_can_only_be_read_keeps_it_from_being_ready(
    ready, monkeypatch, settings, tmp_path
):
    if connection.vendor != "sqlite":
        pytest.skip("of SQLite")
    assert ready()[1]["database_read_only"] is False
    file = tmp_path / "chatter.sqlite3"
    file.touch()
    monkeypatch.setitem(settings.DATABASES["default"], "NAME", str(file))
    monkeypatch.setattr(os, "access", lambda path, _: path != file)
    assert ready()[0] == 503
    assert ready()[1]["database_read_only"] is True


@pytest.mark.django_db(transaction=True)
def test_it_is_ready_again_once_another_database_has_taken_over(ready):
    if connection.vendor != "postgresql":
        pytest.skip("of PostgreSQL")
    with connection.cursor() as cursor:  # of this connection alone
        cursor.execute("SET default_transaction_read_only = on")
    assert ready()[1]["database_read_only"] is True
    assert ready()[1]["database_read_only"] is False


def test_without_redis_it_is_degraded_not_down(ready, settings):
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    status, told = ready()
    assert (status, told["status"], told["redis"]) == (200, "degraded", "ConnectionError")


def test_redis_that_takes_nothing_is_no_redis(ready, settings):
    with full_redis() as settings.REDIS_URL:
        told = ready()[1]
    assert (told["status"], told["redis"]) == ("degraded", "OutOfMemoryError")


@pytest.mark.usefixtures("built_in")
def test_a_queue_that_stands_is_told(ready, api, alice):
    writer.stop()  # its thread does not see what a test has not committed
    body = {"graph": chain(), "mode": "background"}
    assert api(alice).post("/api/v1/workflows/execute/", body).status_code == 202
    writer.start()
    assert ready()[1]["status"] == "ok"
    long_ago = clock.now().replace(year=2020)
    WorkflowExecution.objects.update(created_at=long_ago)
    status, told = ready()
    assert (status, told["status"], told["waiting"]["executions"]) == (200, "degraded", 1)
    assert told["waiting"]["oldest_s"] > 86_400
    WorkflowExecution.objects.update(
        status="running", lease_owner="gone", lease_expires_at=long_ago
    )
    told = ready()[1]
    assert (told["leases_expired"], told["waiting"]["executions"]) == (1, 0)


@pytest.mark.usefixtures("built_in")
def test_a_turn_that_follows_one_that_waits_for_somebody_is_no_queue_that_stands(
    ready, api, alice, drain
):
    writer.stop()
    asks = {"id": "ask", "type": "approval", "config": {"question": "Really?"}}
    edges = ["start>ask", "ask.approved>end", "ask.rejected>end"]
    workflow = {"name": "Asks", "graph": graph(asks, edges=edges)}
    made = api(alice).post("/api/v1/definitions/", workflow).json()
    turn = {"message": "hello", "definition": made["id"], "mode": "background"}
    talk = api(alice).post("/api/v1/chat/", turn).json()["conversation"]["id"]
    drain()
    assert api(alice).post("/api/v1/chat/", {**turn, "conversation": talk}).status_code == 202
    WorkflowExecution.objects.update(created_at=clock.now().replace(year=2020))
    writer.start()
    told = ready()[1]
    assert (told["status"], told["waiting"]) == ("ok", {"executions": 1, "oldest_s": 0})


def test_a_database_that_is_away_keeps_it_from_being_ready(ready, monkeypatch):
    def away(*_):
        raise OSError("connection refused")

    monkeypatch.setattr(connection, "cursor", away)
    assert ready() == (503, ready()[1])
    assert ready()[1]["database"] == "OSError"


def test_a_database_that_says_nothing_keeps_it_from_being_ready(ready, monkeypatch):
    """As one does whose processes are stopped: connections stay, answers do not come."""
    ended = Event()

    def silent():
        ended.wait()
        raise OSError("server closed the connection")

    monkeypatch.setattr(health, "database_answers", silent)
    monkeypatch.setattr(health, "_DATABASE_S", 0.05)
    database.start()
    try:
        assert ready() == (503, ready()[1])
        assert ready()[1]["database"] == "TimeoutError"
    finally:
        ended.set()
        database.stop()


def test_what_has_ended_makes_no_question_slower(django_assert_num_queries):
    """However many there are: the index holds only what is under way."""
    with django_assert_num_queries(1) as asked:
        queue_now()
    (query,) = asked.captured_queries
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"{explain} {query['sql']}")
        plan = " ".join(str(row) for row in cursor.fetchall())
    assert "under_way" in plan
