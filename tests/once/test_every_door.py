"""Promise 9: with an `Idempotency-Key`, every door that starts work does so once."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from accounts.models import User
from core import clock
from tests.once.doors import Doors, doors_of
from tools.models import ToolCall
from workflows.models import IdempotencyKey, WorkflowDefinition, WorkflowExecution

pytestmark = pytest.mark.django_db
# What may be posted and starts no execution: nothing that costs is done twice, or it says so.
STARTS_NOTHING = {
    "/api/v1/auth/token/",
    "/api/v1/budgets/",
    "/api/v1/chains/",
    "/api/v1/conversations/",
    "/api/v1/definitions/",
    "/api/v1/definitions/import/",
    "/api/v1/definitions/{id}/forecast/",
    "/api/v1/definitions/{id}/fork/",
    "/api/v1/definitions/{id}/template/",
    "/api/v1/definitions/{id}/versions/{number}/publish/",
    "/api/v1/definitions/{id}/versions/{number}/restore/",
    "/api/v1/executions/{id}/cancel/",
    "/api/v1/experiments/",
    "/api/v1/experiments/{id}/complete/",
    "/api/v1/experiments/{id}/events/",
    "/api/v1/experiments/{id}/pause/",
    "/api/v1/experiments/{id}/plan/",
    "/api/v1/experiments/{id}/promote/",
    "/api/v1/experiments/{id}/resume/",
    "/api/v1/experiments/{id}/start/",
    "/api/v1/experiments/{id}/variants/{variant}/stop/",
    "/api/v1/mcp-servers/",
    "/api/v1/mcp-servers/{id}/refresh/",
    "/api/v1/mcp-servers/{id}/test/",
    "/api/v1/privacy/users/{id}/erase/",
    "/api/v1/schedules/",
    "/api/v1/schedules/preview/",
    "/api/v1/schedules/{id}/pause/",
    "/api/v1/schedules/{id}/resume/",
    "/api/v1/secrets/",
    "/api/v1/templates/",
    "/api/v1/templates/{id}/definition/",
    "/api/v1/templates/{id}/forecast/",
    "/api/v1/tools/grants/",
    "/api/v1/webhooks/endpoints/",
    "/api/v1/webhooks/endpoints/{id}/ping/",
    "/api/v1/webhooks/endpoints/{id}/rotate/",
    "/api/v1/webhooks/incoming/",
    "/api/v1/webhooks/incoming/{id}/rotate/",
    "/api/v1/webhooks/messages/{id}/resend/",
    "/api/v1/workflows/forecast/",
    "/api/v1/workflows/validate/",
    "/hooks/{public_id}/",  # starts one execution per delivery id
}
# Takes no body that could be another: its test is with the schedules.
SAYS_NOTHING = {"/api/v1/schedules/{id}/run-now/"}
KEY = {"Idempotency-Key": "once"}


@pytest.fixture
def client(alice: User, api: Callable[[User], APIClient], built_in: None) -> APIClient:
    return api(alice)


@pytest.fixture
def doors(client, alice, drain) -> Doors:
    return doors_of(client, alice, drain)


def documented() -> dict[str, bool]:
    """Every address that takes a POST, and whether it takes a key."""
    schema: Any = SchemaGenerator().get_schema(request=None, public=True)
    return {
        path: any(one["name"] == "Idempotency-Key" for one in how["post"].get("parameters", ()))
        for path, how in schema["paths"].items()
        if "post" in how
    }


def test_every_door_that_starts_work_takes_a_key(doors):
    posts = documented()
    with_key = {path for path, takes in posts.items() if takes}
    assert with_key == set(doors) | SAYS_NOTHING, "a door without a test here"
    assert set(posts) - with_key == STARTS_NOTHING


def test_the_same_key_and_body_are_one_request_at_every_door(client, doors, drain):
    for at, (path, (address, body)) in enumerate(doors.items()):
        key = {"Idempotency-Key": f"key {at}"}
        before = WorkflowExecution.objects.count()
        first = client.post(address, body, headers=key)
        assert first.status_code in (200, 202), (path, first.json())
        at_once = client.post(address, body, headers=key)
        drain()
        later = client.post(address, body, headers=key)
        answers = [(one.status_code, one.content) for one in (first, at_once, later)]
        assert answers == [answers[0]] * 3, path
        assert WorkflowExecution.objects.count() - before <= 1, path
        assert ToolCall.objects.count() <= 1
        other = client.post(address, {**body, **_changed(body)}, headers=key)
        assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused"), path


def _changed(body: dict[str, Any]) -> dict[str, Any]:
    if "arguments" in body:
        return {"arguments": {"expression": "6 * 8"}}
    return {"comment": "Yes."} if "decision" in body else {"debug": True}


def test_a_key_that_two_users_send_is_two_keys(client, doors, charlie, api):
    address, body = doors["/api/v1/chat/"]
    for user in (client, api(charlie)):
        assert user.post(address, body, headers=KEY).status_code == 202
    assert IdempotencyKey.objects.count() == 2


@pytest.mark.parametrize("key", ["", "x" * 256, "\x7f"])
def test_what_is_no_key_is_refused_at_every_door(client, doors, key):
    for path, (address, body) in doors.items():
        answer = client.post(address, body, headers={"Idempotency-Key": key})
        told = (answer.status_code, answer.json()["code"])
        assert told == (400, "bad_idempotency_key"), path


def test_an_error_uses_no_key_up(client, doors):
    for path, (address, body) in doors.items():
        wrong = client.post(address, {**body, "nonsense": 1}, headers=KEY)
        assert wrong.status_code == 400, path
    assert not IdempotencyKey.objects.exists()


def test_the_answer_of_who_waits_is_the_same_too(client, doors, drain):
    address, body = doors["/api/v1/chat/"]
    begun = client.post(address, body, headers=KEY).json()["execution"]["id"]
    drain()
    waiting = {**body, "mode": "wait"}
    key = IdempotencyKey.objects.get()
    # As two who waited from the beginning would be told: their body is the same, so is its hash.
    told = []
    for _ in range(2):
        key.refresh_from_db()
        key.request_hash = _hash(address, waiting)
        key.save()
        told.append(client.post(address, waiting, headers=KEY))
    assert [one.status_code for one in told] == [201, 201]
    assert told[0].content == told[1].content
    assert told[0].json()["execution"]["id"] == begun


def _hash(address: str, body: dict[str, Any]) -> str:
    import hashlib  # noqa: PLC0415
    import json  # noqa: PLC0415

    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(address.encode() + text.encode()).hexdigest()


def test_a_key_is_kept_for_a_day(client, doors):
    address, body = doors["/api/v1/chat/"]
    first = client.post(address, body, headers=KEY).json()
    for age, kept in ((timedelta(hours=23), True), (timedelta(hours=25), False)):
        IdempotencyKey.objects.update(created_at=clock.now() - age)
        call_command("prune", stdout=StringIO())
        assert (client.post(address, body, headers=KEY).json() == first) is kept
    assert WorkflowDefinition.objects.count() == 1
