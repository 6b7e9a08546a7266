"""While the database is away or full, requests are to come again, and nothing is half written."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import OperationalError, connection
from django.test import Client

from audit.models import AuditEntry
from conversations.models import Conversation, Message
from tests.drills.mortal import take_up
from tests.factories.accounts import PASSWORD
from workflows.models import ExecutionEvent, IdempotencyKey, WorkflowExecution

LOGIN = {"username": "alice", "password": PASSWORD}
ROWS = (WorkflowExecution, ExecutionEvent, Conversation, Message, IdempotencyKey, AuditEntry)


@contextmanager
def full_disk() -> Iterator[None]:
    """The database may take no page more."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")  # or it would take the pages of what was deleted
        (pages,) = cursor.execute("PRAGMA page_count").fetchone()
        (most,) = cursor.execute("PRAGMA max_page_count").fetchone()
        cursor.execute(f"PRAGMA max_page_count={pages}")
        yield
        cursor.execute(f"PRAGMA max_page_count={most}")


def all_rows() -> list[int]:
    return [table._base_manager.count() for table in ROWS]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="It is SQLite that can be told so.")
# A full disk rolls all of the transaction back, that of the test as well.
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("mode", ["background", "wait", "stream"])
def test_a_start_on_a_full_disk_is_a_503_that_leaves_nothing_and_works_once_there_is_room(
    alice, api, built_in, mode
):
    client = api(alice)
    body = {"message": "many words " * 5_000, "mode": mode}
    one = {"Idempotency-Key": "one"}
    before = all_rows()
    with full_disk():
        refused = client.post("/api/v1/chat/", body, headers=one)
    assert (refused.status_code, refused.json()["code"]) == (503, "database_away")
    assert int(refused.headers["Retry-After"]) > 0
    assert all_rows() == before
    again = client.post("/api/v1/chat/", {**body, "mode": "background"}, headers=one)
    assert again.status_code == 202
    take_up()
    (execution,) = WorkflowExecution.objects.all()
    assert execution.status == "completed"


@contextmanager
def only_read() -> Iterator[None]:
    """The database takes no writes, as a replica does, until it has refused one on PostgreSQL."""
    names = {"sqlite": "PRAGMA query_only", "postgresql": "SET default_transaction_read_only"}
    name = names[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(f"{name} = on")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"{name} = off")


# To PostgreSQL, what it is told so counts for transactions that begin afterwards.
@pytest.mark.django_db(transaction=True)
def test_what_is_to_be_written_where_the_database_can_only_be_read_is_to_come_again(alice, api):
    client, before = api(alice), all_rows()
    with only_read():
        refused = client.post("/api/v1/conversations/", {"title": "of today"})
    with only_read():
        page = Client().post("/login/", LOGIN)
    assert (refused.status_code, refused.json()["code"]) == (503, "database_away")
    assert page.status_code == 503
    assert "Back in a moment" in page.text
    assert all_rows() == before


@pytest.mark.usefixtures("production_profile")
@pytest.mark.django_db(transaction=True)
def test_a_connection_to_a_server_that_has_become_a_replica_is_not_used_again(alice, api):
    client = api(alice)
    for path, body in (("conversations", {"title": "x"}), ("auth/token", LOGIN)):
        with only_read():
            refused = client.post(f"/api/v1/{path}/", body)
            again = client.post(f"/api/v1/{path}/", body)  # which the next connection leads to
        assert refused.status_code == 503
        assert again.status_code in (200, 201)


def away(*_):
    raise OperationalError("the server closed the connection unexpectedly")


@pytest.mark.parametrize("path", ["/executions/", "/admin/", "/schedules/"])
def test_a_page_that_cannot_reach_the_database_says_when_to_come_again(admin, path):
    client = Client()
    client.force_login(admin)
    with connection.execute_wrapper(away):
        told = client.get(path)
    assert told.status_code == 503
    assert int(told.headers["Retry-After"]) > 0
    assert "Back in a moment" in told.text
    assert client.get(path).status_code == 200
