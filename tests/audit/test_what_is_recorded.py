"""Acts that leave an entry, each through the door by which people act."""

import json
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.management import call_command
from django.db import connection
from django.test import AsyncClient, Client
from rest_framework.test import APIClient

from accounts.models import User
from audit.guesses import TOLD_EVERY
from audit.models import AuditEntry
from core.models import new_id
from tests.definitions.graphs import asks, graph
from tests.factories.accounts import UserFactory
from tests.factories.tools import GrantFactory
from workflows.services.definitions import create_definition

pytestmark = pytest.mark.django_db
Door = Callable[[User], APIClient]


def last(action: str) -> AuditEntry:
    return AuditEntry.objects.filter(action=action).latest("id")


def test_a_changed_workflow_tells_before_and_after(api: Door, alice: User, built_in: None) -> None:
    made = create_definition(owner=alice, name="Old", graph=graph(asks("One.")))
    before = made.version.content_hash
    change = {"name": "New", "graph": graph(asks("Two.")), "archived": True}
    answer = api(alice).patch(f"/api/v1/definitions/{made.pk}/", change)
    assert answer.status_code == 200, answer.content
    entry = last("workflows.definition.changed")
    assert entry.detail["changed"] == ["archived", "graph", "name"]
    assert entry.detail["values"]["archived"] == {"from": False, "to": True}
    assert entry.detail["values"]["graph"]["from"] == before
    assert entry.detail["values"]["graph"]["to"] != before
    assert entry.personal_content["name"] == {"from": "Old", "to": "New"}
    assert "Old" not in json.dumps(entry.detail)


def test_a_changed_template_tells_before_and_after(api: Door, alice: User, built_in: None) -> None:
    client = api(alice)
    made = client.post("/api/v1/templates/", {"name": "Old", "graph": graph(asks("One."))}).json()
    change = {"name": "New", "public": True, "graph": graph(asks("Two."))}
    answer = client.patch(f"/api/v1/templates/{made['id']}/", change)
    assert answer.status_code == 200, answer.content
    entry = last("workflows.template.changed")
    assert entry.detail["values"]["public"] == {"from": False, "to": True}
    versions = entry.detail["values"]["version"]
    assert len(versions["from"]) == len(versions["to"]) == 64
    assert entry.personal_content["name"] == {"from": "Old", "to": "New"}
    assert last("workflows.template.published").detail == {"version": versions["to"]}


def test_a_changed_webhook_tells_before_and_after_and_masks_its_address(
    api: Door, alice: User
) -> None:
    client = api(alice)
    url = "https://desk.example/?key=s3cret"
    made = client.post("/api/v1/webhooks/endpoints/", {"name": "Desk", "url": url}).json()
    change = {"url": "https://other.example/?key=s3cret", "enabled": False}
    client.patch(f"/api/v1/webhooks/endpoints/{made['id']}/", change)
    entry = last("webhooks.webhookendpoint.changed")
    assert entry.detail["values"] == {"enabled": {"from": True, "to": False}, "url": "***"}
    assert "s3cret" not in json.dumps([entry.detail, entry.personal])


def test_a_key_in_the_address_of_a_provider_is_masked(admin: User) -> None:
    browser = Client()
    browser.force_login(admin)
    url = "https://me:s3cret@desk.example/v1?api_key=s3cret&version=2&Token=s3cret"
    body = {"name": "desk", "kind": "openai", "base_url": url, "enabled": "on"}
    assert browser.post("/admin/llms/provider/add/", body).status_code == 302
    told = last("llms.provider.created").detail["values"]["base_url"]["to"]
    assert told == "https://***@desk.example/v1?api_key=***&version=2&Token=***"


def test_a_file_that_leaves_is_told(api: Door, alice: User, built_in: None) -> None:
    made = create_definition(owner=alice, name="Letters", graph=graph(asks()))
    assert api(alice).get(f"/api/v1/definitions/{made.pk}/export/").status_code == 200
    entry = last("workflows.definition.exported")
    assert (entry.actor_id, entry.detail["number"]) == (alice.pk, 1)


@pytest.fixture
def run_tool(
    api: Door, alice: User, built_in: None, drain: Callable[[], None]
) -> Callable[[str, str], None]:
    def run(tool: str, arguments: str) -> None:
        GrantFactory(tool=tool)
        nodes = (asks(tools=[tool]), {"id": "tools", "type": "tools"})
        edges = ["start>model", "model.tool_calls>tools", "tools>model", "model>end"]
        made = create_definition(owner=alice, name="With", graph=graph(*nodes, edges=edges))
        said = {"message": f"use the tool {tool} {arguments}", "definition": str(made.pk)}
        told = api(alice).post("/api/v1/chat/", {**said, "mode": "background"})
        assert told.status_code == 202, told.content
        drain()

    return run


def test_the_end_of_a_run_tells_which_tools_it_called(run_tool: Any) -> None:
    run_tool("calculator", '{"expression": "1 + 1"}')
    assert last("workflows.execution.completed").detail["tools"] == ["calculator"]


def test_a_tool_that_reaches_for_the_inside_is_told(run_tool: Any, alice: User) -> None:
    run_tool("http_get", '{"url": "http://169.254.169.254/latest"}')
    entry = last("tools.egress.refused")
    assert (entry.actor_id, entry.outcome, entry.detail["tool"]) == (alice.pk, "denied", "http_get")


def test_a_tool_that_is_tried_and_reaches_for_the_inside_is_told(admin: User, api: Door) -> None:
    body = {"arguments": {"url": "http://127.0.0.1:1/"}}
    answer = api(admin).post("/api/v1/tools/http_get/call/", body)
    assert answer.status_code == 200, answer.content
    assert last("tools.egress.refused").actor_id == admin.pk


def test_the_commands_of_django_are_told(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "correct horse battery")
    options = {"username": "root", "email": "r@example.com", "interactive": False}
    call_command("createsuperuser", stdout=StringIO(), **options)
    entry = last("accounts.user.created")
    assert entry.detail == {"via": "command", "is_superuser": True}
    assert entry.personal_content == {"username": "root"}
    monkeypatch.setattr("getpass.getpass", lambda **_: "another horse battery")
    call_command("changepassword", "root", stdout=StringIO())
    assert last("accounts.user.changed").detail == {"via": "command", "fields": ["password"]}


def test_while_a_password_is_asked_for_nobody_else_waits_to_write(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    UserFactory(username="root", password="correct horse battery")
    asked: list[bool] = []

    def typed(**_: Any) -> str:
        asked.append(connection.in_atomic_block)
        return "another horse battery"

    monkeypatch.setattr("getpass.getpass", typed)
    call_command("changepassword", "root", stdout=StringIO())
    assert asked == [False, False]
    assert User.objects.get().check_password("another horse battery")
    monkeypatch.setattr("audit.record.record_many", lambda _: 1 / 0)
    monkeypatch.setattr("getpass.getpass", lambda **_: "a third horse battery")
    with pytest.raises(ZeroDivisionError):
        call_command("changepassword", "root", stdout=StringIO())
    assert User.objects.get().check_password("another horse battery"), "without its entry it is not"


def test_a_prune_by_hand_is_told_and_a_dry_run_is_not(db: None) -> None:
    call_command("prune", dry_run=True, stdout=StringIO())
    assert not AuditEntry.objects.filter(action="core.rows.pruned").exists()
    call_command("prune", "sessions", stdout=StringIO())
    assert last("core.rows.pruned").detail["older_than"] is None


def test_who_asks_for_ids_that_are_not_theirs_is_told_once_in_so_many(
    api: Door, alice: User
) -> None:
    client = api(alice)
    for _ in range(2 * TOLD_EVERY + TOLD_EVERY // 2):
        assert client.get(f"/api/v1/executions/{new_id()}/").status_code == 404
        client.get("/api/v1/there-is-no-such-address/")
    told = AuditEntry.objects.filter(action="audit.guesses.counted")
    assert [(one.actor_id, one.outcome) for one in told] == [(alice.pk, "denied")] * 2
    assert told[0].detail == {"of": "ids", "count": TOLD_EVERY}
    assert told[0].personal_content == {"address": "127.0.0.1"}


def test_who_asks_for_them_on_the_pages_is_told_by_name_too(alice: User) -> None:
    browser = Client()
    browser.force_login(alice)
    for _ in range(TOLD_EVERY):
        assert browser.get(f"/executions/{new_id()}/").status_code == 404
    assert last("audit.guesses.counted").actor_id == alice.pk


def test_who_tries_tokens_is_told_by_address_under_the_asynchronous_server_too(db: None) -> None:
    async def scenario() -> None:
        client = AsyncClient()
        for number in range(TOLD_EVERY):
            header = {"Authorization": f"Token chatter_{number:08d}_nothing"}
            answer = await client.get("/api/v1/auth/me/", headers=header)
            assert answer.status_code == 401

    async_to_sync(scenario)()
    entry = last("audit.guesses.counted")
    assert (entry.actor_id, entry.detail["of"]) == (None, "tokens")
    assert entry.personal_content == {"address": "127.0.0.1"}


def test_ids_in_a_body_and_in_a_query_are_told_as_those_in_an_address_are(
    api: Door, alice: User
) -> None:
    client = api(alice)
    for _ in range(TOLD_EVERY // 2):
        body = {"message": "hello", "conversation": str(new_id())}
        assert client.post("/api/v1/chat/", body).status_code == 404
        asked = client.get("/api/v1/analytics/executions/", {"of": str(new_id())})
        assert asked.status_code == 404
        assert client.post("/api/v1/there-is-no-such-address/", body).status_code == 404
    assert last("audit.guesses.counted").detail == {"of": "ids", "count": TOLD_EVERY}
