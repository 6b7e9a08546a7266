"""Whose start was refused for want of room is told live and by webhook, whatever the door."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest
from asgiref.sync import sync_to_async
from django.test import Client as Browser
from rest_framework.test import APIClient

from accounts.models import User
from audit.models import AuditEntry
from audit.refusals import TOLD_AGAIN, refusals
from core import clock
from tests.drills.mortal import take_up
from tests.once.doors import INPUT, STARTS_NO_RUN, doors_of
from tests.triggers.conftest import CHAINS, SCHEDULES
from tests.watching.protocol import heard_by
from tests.webhooks.conftest import INCOMING, Sender
from triggers.models import Schedule
from triggers.services.firing import fire_due
from triggers.services.following import follow_ended
from webhooks.models import WebhookEndpoint, WebhookMessage
from workflows.models import WorkflowExecution

# What is told at a commit is told only where there is one.
pytestmark = pytest.mark.django_db(transaction=True)
CHAT = "/api/v1/chat/"
Told = list[dict[str, Any]]


def say(client: APIClient, **body: Any) -> Any:
    return client.post(CHAT, {"message": "hello", "mode": "background", **body})


def told_while(user: User, do: Callable[[], Any], number: int = 1) -> tuple[Any, Told]:
    """What it gave, and what the user was told meanwhile."""
    given: list[Any] = []

    async def done() -> None:
        given.append(await sync_to_async(do)())

    told = heard_by(user, done, number)
    assert {one["type"] for one in told} <= {"execution.refused"}
    return given[0], [one["data"] for one in told]


@pytest.fixture
def full(alice: User) -> Callable[[], None]:
    """From now on there is no room for another of alice's."""

    def fill() -> None:
        alice.limits = {"concurrent": 1}
        alice.save()
        assert WorkflowExecution.objects.exclude(status__in=["completed", "failed"]).exists()

    return fill


def test_every_door_of_the_api_tells_of_what_it_refuses(
    client: APIClient, alice: User, drain: Any, full: Any
) -> None:
    doors = doors_of(client, alice, drain)
    full()
    wanted = {}
    for path, (address, body) in doors.items():
        if path in STARTS_NO_RUN:
            continue
        refusals.forget()
        answer, (said,) = told_while(alice, lambda: client.post(address, body))  # noqa: B023
        refused = answer.json()
        assert (answer.status_code, refused["code"]) == (429, "too_many_executions"), path
        assert said["request_id"] == refused["request_id"] != ""
        assert (said["code"], said["limit"]) == (refused["code"], refused["detail"]["limit"])
        assert (said["most"], said["reached"], said["count"]) == (1, 1, 1)
        named = [name for name in ("definition", "template", "source") if said[name]]
        wanted[path.removeprefix("/api/v1/")] = (said["kind"], said["cause"], said["rerun"], *named)
        assert said["source"] in (None, address.split("/")[4])
    assert wanted == {
        "chat/": ("chat", "api", "", "template"),
        "conversations/{id}/messages/": ("chat", "api", "", "template"),
        "definitions/{id}/execute/": ("definition", "api", "", "definition"),
        "templates/{id}/execute/": ("template", "api", "", "template"),
        "workflows/execute/": ("custom", "api", ""),
        "executions/{id}/retry/": ("chat", "retry", "", "template", "source"),
        "executions/{id}/replay/": ("chat", "replay", "replay", "template", "source"),
        "executions/{id}/fork/": ("chat", "fork", "fork", "template", "source"),
    }


@pytest.mark.parametrize("mode", ["wait", "stream"])
def test_who_waits_or_streams_is_told_as_well(
    client: APIClient, alice: User, full: Any, mode: str
) -> None:
    say(client)
    full()
    answer, (said,) = told_while(alice, lambda: say(client, mode=mode))
    assert (answer.status_code, answer.json()["request_id"]) == (429, said["request_id"])


def test_what_nobody_is_there_to_be_answered_for_is_told(
    client: APIClient, alice: User, admin: User, full: Any
) -> None:
    """Schedules, chains, webhooks and the back office start things for alice, too."""
    graph = {
        "nodes": [{"id": "start", "type": "start"}, {"id": "end", "type": "end"}],
        "edges": [{"source": "start", "target": "end"}],
    }
    made = client.post("/api/v1/definitions/", {"name": "x", "graph": graph}).json()["id"]
    what = {"name": "x", "definition": made}
    minutely = client.post(SCHEDULES, {**what, "kind": "interval", "every_s": 60}).json()["id"]
    client.post(CHAINS, {**what, "after_template": "universal_chat"})
    hook = client.post(INCOMING, what).json()
    client.post("/api/v1/templates/universal_chat/execute/", INPUT)
    take_up()
    say(client)
    full()

    async def chained() -> None:
        await follow_ended()

    async def scheduled() -> None:
        due = Schedule.objects.filter(pk=minutely)
        await due.aupdate(next_at=clock.now() - timedelta(seconds=1))
        await fire_due()

    for do, cause in (
        (sync_to_async(lambda: client.post(f"{SCHEDULES}{minutely}/run-now/")), "schedule"),
        (scheduled, "schedule"),
        (chained, "chain"),
        (sync_to_async(lambda: Sender(hook).send({"text": "hello"})), "webhook"),
    ):
        refusals.forget()
        (told,) = heard_by(alice, do, 1)
        said = told["data"]
        assert told["type"] == "execution.refused"
        assert (said["cause"], said["definition"]) == (cause, made)
    admin.limits = {"concurrent": 0}
    admin.save()
    office = Browser()
    office.force_login(admin)
    run = f"/admin/workflows/workflowdefinition/{made}/run/"
    _, (said,) = told_while(admin, lambda: office.post(run, {"input": ""}))
    assert (said["cause"], said["definition"], said["most"]) == ("admin", made, 0)


def test_a_full_queue_is_told_with_whose_it_is(
    client: APIClient, alice: User, charlie: User, api: Any, settings: Any
) -> None:
    settings.QUEUE_MAX_PENDING, settings.QUEUE_MAX_PENDING_PER_USER = 3, 2
    told = []
    for user in (alice, charlie):
        mine = api(user)
        _, said = told_while(user, lambda: [say(mine) for _ in range(3)])  # noqa: B023
        told += [(one["code"], one["limit"], one["most"], one["reached"]) for one in said]
    assert told == [("queue_full", "pending_per_user", 2, 2), ("queue_full", "pending", 3, 3)]


def test_of_a_storm_few_are_told_as_many_as_there_are_entries(
    client: APIClient, alice: User, full: Any
) -> None:
    say(client)
    full()
    storm = 2 * TOLD_AGAIN + 3
    _, told = told_while(alice, lambda: [say(client) for _ in range(storm)], 3)
    assert [one["count"] for one in told] == [1, 19, 20]
    entries = AuditEntry.objects.filter(action="workflows.limit.reached").order_by("id")
    assert [one.request_id for one in entries] == [one["request_id"] for one in told]


def test_nobody_else_is_told(client: APIClient, alice: User, charlie: User, full: Any) -> None:
    say(client)
    full()
    answer, told = told_while(charlie, lambda: say(client), 0)
    assert (answer.status_code, told) == (429, [])


def test_whoever_asked_for_it_is_told_by_webhook(
    client: APIClient, alice: User, charlie: User, full: Any
) -> None:
    def hears(owner: User, *events: str, **fields: Any) -> WebhookEndpoint:
        given = {"name": "Desk", "url": "http://localhost/", "secret": "x", **fields}
        made: WebhookEndpoint = WebhookEndpoint.objects.create(owner=owner, events=events, **given)
        return made

    mine = hears(alice, "execution.refused")
    hears(alice, "execution.failed")
    hears(charlie, "execution.refused")
    say(client)
    full()
    _, (said,) = told_while(alice, lambda: say(client))
    message = WebhookMessage.objects.get()
    assert (message.endpoint_id, message.type) == (mine.pk, "execution.refused")
    assert message.execution_id is None
    assert orjson.loads(message.body)["data"] == said
