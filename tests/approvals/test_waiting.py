"""What a waiting run is to those around it: callers, conversations, whoever stops or lists it."""

import asyncio
from collections.abc import Callable
from typing import Any

from asgiref.sync import async_to_sync
from django.test import AsyncClient

from accounts.models import User
from audit.verification import verify
from core.aggregates import all_differences
from tests.approvals.desk import APPROVALS, ONCE, Desk, letter
from tests.definitions.test_execute import run_what_starts
from tests.drills.mortal import types_of
from workflows.models import Approval, WorkflowExecution


def test_who_waits_for_the_answer_is_told_that_people_are_asked(alice: User, desk: Desk) -> None:
    """The waiting POST ends when the run pauses, not when somebody decides."""

    async def scenario() -> Any:
        browser = AsyncClient()
        await browser.aforce_login(alice)
        body = {"graph": letter(), "input": {"message": "hello"}, "mode": "wait"}
        posted = browser.post(ONCE, body, content_type="application/json")
        answer, _ = await asyncio.gather(posted, run_what_starts())
        return answer.status_code, answer.json()["execution"]

    status, run = async_to_sync(scenario)()
    assert (status, run["status"]) == (202, "waiting")
    assert [one["id"] for one in run["approvals"]] == [desk.waiting("ask")]


def test_a_conversation_waits_with_its_turn(
    desk: Desk, drain: Callable[[], None], alice: User
) -> None:
    made = desk.client.post("/api/v1/definitions/", {"name": "letters", "graph": letter()})
    body = {"message": "hello", "definition": made.json()["id"], "mode": "background"}
    first = desk.client.post("/api/v1/chat/", body).json()
    drain()
    talk = {"message": "and?", "conversation": first["conversation"]["id"], "mode": "background"}
    refused = desk.client.post("/api/v1/chat/", {**talk, "when_busy": "refuse"})
    assert (refused.status_code, refused.json()["code"]) == (409, "conversation_busy")
    second = desk.client.post("/api/v1/chat/", talk).json()["execution"]["id"]
    drain()
    assert desk.run(second)["status"] == "pending"
    desk.approve()
    drain()
    assert desk.run(first["execution"]["id"])["output"]["text"] == "sent by alice: "
    assert desk.run(second)["status"] == "completed"
    assert list(all_differences()) == []


def test_what_is_stopped_while_it_waits_ends_at_once(
    desk: Desk, asked: Callable[..., str], drain: Callable[[], None]
) -> None:
    pk = asked()
    ask = desk.waiting("ask")
    told = desk.client.post(f"/api/v1/executions/{pk}/cancel/")
    assert (told.status_code, told.json()["status"]) == (200, "cancelled")
    assert desk.client.get(f"{APPROVALS}{ask}/").json()["status"] == "withdrawn"
    late = desk.decide(ask)
    assert (late.status_code, late.json()["code"]) == (409, "approval_over")
    drain()
    assert types_of(pk)[-1] == "execution.cancelled"
    assert list(all_differences()) == []
    assert verify().ok


def test_a_run_that_is_deleted_takes_its_approvals_along(asked: Callable[..., str]) -> None:
    WorkflowExecution.objects.filter(pk=asked()).delete()
    assert Approval.objects.count() == 0


def test_a_list_of_approvals_costs_the_same_for_many_as_for_one(
    desk: Desk, asked: Callable[..., str], django_assert_max_num_queries: Any
) -> None:
    for _ in range(3):
        asked()
    with django_assert_max_num_queries(4):
        assert len(desk.waiting()) == 3
    with django_assert_max_num_queries(5):
        runs = desk.client.get("/api/v1/executions/").json()["results"]
    assert [len(run["approvals"]) for run in runs] == [1, 1, 1]
