"""How many executions may wait to be run, of a user and of all."""

from typing import Any

import pytest

from audit.models import AuditEntry
from audit.refusals import TOLD_AGAIN
from conversations.models import Message
from tests.drills.mortal import take_up
from workflows.models import ExecutionEvent, IdempotencyKey, WorkflowExecution

CHAT = "/api/v1/chat/"


@pytest.fixture
def client(alice, api, built_in):
    return api(alice)


def say(client, message="hello", **options: Any):
    return client.post(CHAT, {"message": message, "mode": "background"}, **options)


def all_rows() -> list[int]:
    tables = (WorkflowExecution, ExecutionEvent, Message, IdempotencyKey)
    return [table._base_manager.count() for table in tables]


def refusals() -> list[dict[str, Any]]:
    found = AuditEntry.objects.filter(action="workflows.limit.reached", outcome="denied")
    return [one.detail for one in found.order_by("id")]


def test_a_full_queue_is_a_429_that_says_when_to_come_again_and_leaves_an_entry(client, settings):
    settings.QUEUE_MAX_PENDING = 3
    assert [say(client).status_code for _ in range(3)] == [202] * 3
    before = all_rows()
    refused = say(client, headers={"Idempotency-Key": "one"})
    assert (refused.status_code, refused.json()["code"]) == (429, "queue_full")
    assert int(refused.headers["Retry-After"]) > 0
    detail = refused.json()["detail"]
    assert (detail["limit"], detail["most"], detail["reached"]) == ("pending", 3, 3)
    assert all_rows() == before
    assert refusals() == [{"limit": "pending", "most": 3, "reached": 3, "count": 1}]
    take_up()
    assert say(client, headers={"Idempotency-Key": "one"}).status_code == 202


def test_one_user_cannot_fill_the_queue_of_all(client, charlie, api, settings):
    settings.QUEUE_MAX_PENDING_PER_USER = 2
    told = [say(client) for _ in range(3)]
    assert [one.status_code for one in told] == [202, 202, 429]
    assert told[-1].json()["detail"]["limit"] == "pending_per_user"
    assert say(api(charlie)).status_code == 202


def test_the_queue_of_all_holds_for_each_of_them(client, charlie, api, settings):
    settings.QUEUE_MAX_PENDING = 2
    assert [say(client).status_code, say(api(charlie)).status_code] == [202, 202]
    assert [say(client).status_code, say(api(charlie)).status_code] == [429, 429]


def test_whoever_is_refused_may_stream_no_more_than_wait(client, settings):
    settings.QUEUE_MAX_PENDING = 0
    for mode in ("stream", "wait", "background"):
        told = client.post(CHAT, {"message": "hello", "mode": mode})
        assert (told.status_code, told.json()["code"]) == (429, "queue_full")


def test_a_flood_of_starts_is_told_at_once_and_by_few_entries(client, charlie, api, settings):
    settings.QUEUE_MAX_PENDING_PER_USER = 1
    assert say(client).status_code == 202
    assert {say(client).status_code for _ in range(2 * TOLD_AGAIN)} == {429}
    assert [one["count"] for one in refusals()] == [1, 19, 20]
    other = api(charlie)
    assert [say(other).status_code for _ in range(3)] == [202, 429, 429]
    assert [one["count"] for one in refusals()] == [1, 19, 20, 1]
