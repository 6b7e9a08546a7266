"""The entry of a run's end tells what it reached for, by whose leave, and where it was begun."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.services.secrets import create_secret
from audit.sealing import seal_entries
from audit.verification import verify
from privacy.services.erasing import erase_user
from tests.audit.ends import end_of
from tests.core.web import Web, web_server
from tests.definitions.graphs import asks, graph, waits
from tests.drills.mortal import live_and_die, take_up
from tests.factories.tools import GrantFactory
from tools.models import ToolCall, ToolSetting
from workflows import validation
from workflows.models import WorkflowExecution
from workflows.services.definitions import create_definition

pytestmark = pytest.mark.django_db
SUM = 'use the tool calculator {"expression": "1 + 1"}'


@pytest.fixture
def web(settings: Any) -> Iterator[Web]:
    hosts = ("127.0.0.1", "localhost")
    settings.CHATTER_EGRESS_ALLOW = list(hosts)
    settings.CHATTER_GRAPH_LIMITS = {**settings.CHATTER_GRAPH_LIMITS, "reachable": hosts}
    validation._validator.cache_clear()
    with web_server() as server:
        yield server
    validation._validator.cache_clear()


@pytest.fixture
def start(alice: User, api: Any, built_in: None) -> Callable[..., WorkflowExecution]:
    """Begin a workflow that is one request, and more nodes."""

    def started(*more: Any, **config: Any) -> WorkflowExecution:
        node = {"id": "ask", "type": "http_request", "config": config}
        body = {"graph": graph(node, *more), "input": {"message": "hi"}, "mode": "background"}
        answer = api(alice).post("/api/v1/workflows/execute/", body)
        assert answer.status_code == 202, answer.content
        return WorkflowExecution.objects.get(pk=answer.json()["execution"]["id"])

    return started


@pytest.fixture
def say(api: Any, alice: User, built_in: None) -> Callable[..., Any]:
    """Say something to a workflow that may call these tools; the conversation and execution."""

    def said(message: str, *tools: str, **more: Any) -> Any:
        nodes = (asks(tools=list(tools)), {"id": "tools", "type": "tools"})
        edges = ["start>model", "model.tool_calls>tools", "tools>model", "model>end"]
        made = create_definition(owner=alice, name="With", graph=graph(*nodes, edges=edges))
        body = {"message": message, "definition": str(made.pk), "mode": "background", **more}
        answer = api(alice).post("/api/v1/chat/", body)
        assert answer.status_code == 202, answer.content
        return answer.json()

    return said


def test_what_an_http_request_asked_and_with_which_secret_is_told(
    start: Any, web: Web, alice: User
) -> None:
    create_secret(owner=alice, name="here", value="s3cret-Value", hosts=["127.0.0.1"])
    elsewhere = web.url("/echo/", host="localhost")
    headers = {"Authorization": "Bearer {secret:here}"}
    execution = start(url=web.url(f"/keep/{elsewhere}"), secret_headers=headers)
    take_up()
    entry = end_of(execution)
    assert entry.detail == {"tools": ["http_request"], "decisions": {"http_request": {"open": 1}}}
    assert entry.personal_content == {
        "address": "127.0.0.1",
        "hosts": ["127.0.0.1", "localhost"],
        "secrets": ["here"],
    }


def test_a_secret_in_the_address_or_in_the_body_is_told_as_one_in_a_header_is(
    start: Any, web: Web, alice: User
) -> None:
    for name in ("key", "password"):
        create_secret(owner=alice, name=name, value=f"s3cret-{name}", hosts=["127.0.0.1"])
    execution = start(
        url=web.url("/echo/"),
        method="POST",
        secret_query={"key": "{secret:key}"},
        secret_fields={"password": "{secret:password}"},
    )
    take_up()
    assert end_of(execution).personal_content["secrets"] == ["key", "password"]


def test_the_conversation_a_turn_has_read_is_told(say: Any, api: Any, alice: User) -> None:
    answers = []
    for more in ({}, {"conversation": ""}):
        more = {name: answers[0]["conversation"]["id"] for name in more}
        body = {"message": "hello", "mode": "background", **more}
        answers.append(api(alice).post("/api/v1/chat/", body).json())
        take_up()
    first, second = (end_of(one["execution"]["id"]) for one in answers)
    assert first.detail == {}
    assert second.detail == {"accessed": {"conversation": answers[0]["conversation"]["id"]}}
    assert second.personal_content == {"address": "127.0.0.1"}


def test_the_workflows_within_are_told_with_their_versions(
    api: Any, alice: User, built_in: None
) -> None:
    inner = create_definition(owner=alice, name="Inner", graph=graph(asks()))
    sub = {"id": "sub", "type": "subworkflow", "config": {"definition": str(inner.pk)}}
    body = {"graph": graph(sub), "input": {"message": "hello"}, "mode": "background"}
    told = api(alice).post("/api/v1/workflows/execute/", body).json()
    take_up()
    version = inner.version.content_hash
    assert end_of(told["execution"]["id"]).detail == {
        "accessed": {"workflows": {str(inner.pk): version}}
    }


def test_each_decision_about_a_tool_is_told_with_what_it_rested_on(
    say: Any, alice: User, admin: User
) -> None:
    def decisions(change: Callable[[], Any] = lambda: None) -> Any:
        told = say(SUM, "calculator")
        change()
        take_up()
        return end_of(told["execution"]["id"]).detail["decisions"]

    def close() -> None:
        ToolSetting.objects.filter(tool="calculator").update(open_to_all=False)

    assert decisions() == {"calculator": {"open": 1}}
    assert decisions(close) == {"calculator": {"tool_not_granted": 1}}
    grant = GrantFactory(user=alice, calls_per_hour=1)
    assert decisions() == {"calculator": {f"grant:{grant.pk}": 1}}
    assert decisions() == {"calculator": {"tool_rate_limited": 1}}
    deny = partial(GrantFactory, user=alice, allow=False)
    assert decisions(deny) == {"calculator": {"tool_denied": 1}}


def test_what_was_reached_for_before_a_process_died_is_told(
    start: Any, web: Web, alice: User
) -> None:
    execution = start(waits(1), url=web.url("/hello/"))
    assert live_and_die(lambda: ToolCall.objects.filter(status="succeeded").exists())
    take_up()
    entry = end_of(execution)
    assert entry.personal_content["hosts"] == ["127.0.0.1"]
    assert entry.detail["decisions"] == {"http_request": {"earlier": 1}}
    assert len(web.seen) == 1


def test_a_run_asks_nothing_more_of_the_database_for_it(
    api: Any, alice: User, built_in: None
) -> None:
    with CaptureQueriesContext(connection) as queries:
        api(alice).post("/api/v1/chat/", {"message": "hello", "mode": "background"})
        take_up()
    told = [one["sql"] for one in queries if "audit_auditentry" in one["sql"]]
    assert [sql.count('INTO "audit_auditentry"') for sql in told] == [1, 1]
    assert not any('FROM "audit_auditentry"' in sql for sql in told)


def test_where_it_came_from_and_what_it_reached_for_is_erased_and_the_chain_holds(
    start: Any, web: Web, alice: User
) -> None:
    execution = start(url=web.url("/hello/"))
    take_up()
    assert execution.address == "127.0.0.1"
    seal_entries()
    erase_user(alice, confirm="alice", settle_s=0)
    execution.refresh_from_db()
    assert (execution.address, end_of(execution).personal) == (None, None)
    seal_entries()
    assert verify(iter(())).ok
