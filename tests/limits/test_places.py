"""How many executions of a user are under way at a time."""

import asyncio
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import connection
from django.test import AsyncClient
from django.test.utils import CaptureQueriesContext

from audit.models import AuditEntry
from core.events import bell
from core.models import new_id
from tests.drills.mortal import take_up
from tests.plans import plans
from workflows.models import WorkflowExecution
from workflows.services.tally import Tally

CHAT = "/api/v1/chat/"


def say(client, **body: Any):
    return client.post(CHAT, {"message": "hello", "mode": "background", **body})


@pytest.fixture
def limited(alice, client):
    alice.limits = {"concurrent": 2}
    alice.save()
    return client


def test_a_start_beyond_the_limit_is_refused_and_leaves_nothing_but_an_entry(limited, alice):
    assert [say(limited).status_code for _ in range(2)] == [202, 202]
    before = WorkflowExecution.objects.count(), alice.conversations.count()
    refused = say(limited)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_executions")
    assert int(refused.headers["Retry-After"]) > 0
    assert refused.json()["detail"] | {"retry_after_s": 0} == {
        "limit": "concurrent", "most": 2, "reached": 2, "retry_after_s": 0,
    }  # fmt: skip
    assert (WorkflowExecution.objects.count(), alice.conversations.count()) == before
    entry = AuditEntry.objects.get(action="workflows.limit.reached")
    assert (entry.outcome, entry.actor_id) == ("denied", alice.id)
    assert entry.target == f"accounts.user:{alice.id}"
    assert entry.detail == {"limit": "concurrent", "most": 2, "reached": 2, "count": 1}
    assert entry.request_id == refused.json()["request_id"]


def test_whoever_is_answered_may_ask_again(limited):
    for _ in range(3):
        assert [say(limited).status_code for _ in range(3)] == [202, 202, 429]
        take_up()


def test_those_who_wait_for_their_turn_count_too(limited):
    first = say(limited).json()["conversation"]["id"]
    assert say(limited, conversation=first).status_code == 202
    assert say(limited, conversation=first).status_code == 429


def test_the_same_idempotency_key_takes_no_second_place(limited):
    def again():
        body = {"message": "hello", "mode": "background"}
        return limited.post(CHAT, body, headers={"Idempotency-Key": "one"})

    assert say(limited).status_code == 202
    assert [again().status_code for _ in range(3)] == [202, 202, 202]


def test_others_have_places_of_their_own(limited, charlie, api):
    assert [say(limited).status_code for _ in range(3)] == [202, 202, 429]
    assert say(api(charlie)).status_code == 202


def test_a_definition_may_leave_fewer_places(client):
    graph = {
        "nodes": [{"id": "start", "type": "start"}, {"id": "end", "type": "end"}],
        "edges": [{"source": "start", "target": "end"}],
    }
    body = {"name": "x", "graph": graph, "limits": {"concurrent": 1}}
    made = client.post("/api/v1/definitions/", body).json()
    address = f"/api/v1/definitions/{made['id']}/execute/"
    told = [client.post(address, {"mode": "background"}).status_code for _ in range(2)]
    assert told == [202, 429]


def test_of_many_starts_at_once_no_more_get_in_than_may(limited, alice):
    async def at_once() -> list[int]:
        client = AsyncClient()
        await sync_to_async(client.force_login)(alice)
        body = {"message": "hello", "mode": "background"}
        told = await asyncio.gather(
            *(client.post(CHAT, body, content_type="application/json") for _ in range(8))
        )
        return sorted(one.status_code for one in told)

    assert async_to_sync(at_once)() == [202] * 2 + [429] * 6
    assert WorkflowExecution.objects.count() == 2


def test_far_from_the_limit_a_start_asks_nothing_more_of_the_database(client):
    def queries():
        with CaptureQueriesContext(
            connection,
        ) as caught:
            assert say(client).status_code == 202
        return [one["sql"] for one in caught if "SELECT COUNT(*)" in one["sql"]]

    assert len(queries()) == 2  # of what is under way, of what waits
    assert [queries() for _ in range(3)] == [[], [], []]


def test_a_start_counts_what_waits_among_what_is_under_way(client, settings):
    """SQLite had read all executions there ever were, and all of this user's own."""
    settings.QUEUE_MAX_PENDING_PER_USER = 1
    with plans(WorkflowExecution) as steps:
        assert say(client).status_code == 202
    counted = [step for step in steps if "under_way" in step]
    assert len(counted) >= 3  # of the user what is under way and what waits, and what waits of all
    assert [step for step in steps if step.startswith("SCAN")] == []
    assert [step for step in steps if step.endswith("executions_of_a_user (user_id=?)")] == []


def test_a_count_of_late_serves_only_while_less_than_half_of_the_places_are_taken(alice):
    places, counted = Tally(lambda key, without: 0), 0
    for _ in range(6):
        one = new_id()
        if not places.take_known(alice.id, one, 6):
            counted += 1
            assert places.take(alice.id, one, 6) is None
    assert counted == 4
    assert places.take(alice.id, new_id(), 6) == 6


def test_a_stream_that_is_refused_is_a_429_and_leaves_nobody_listening(limited):
    for _ in range(2):
        say(limited)
    refused = say(limited, mode="stream")
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_executions")
    assert not bell._listeners
