"""A provider that meters, alice's client, and runs that are run again."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from core.aggregates import all_differences
from llms.models import ModelCall
from tests.drills.models import wire_model
from tests.drills.mortal import events_of, take_up
from tests.wire import WireServer
from workflows.models import WorkflowExecution

ONCE = "/api/v1/workflows/execute/"
Asked = Callable[[], list[str]]


@pytest.fixture
def wire(wire: WireServer, built_in: None) -> WireServer:
    wire_model(wire)
    return wire


@pytest.fixture
def client(alice: User, api: Callable[[User], APIClient], built_in: None) -> APIClient:
    return api(alice)


@pytest.fixture
def asked(wire: WireServer) -> Asked:
    """The questions that reached the provider, in order."""
    return lambda: [record.question for record in wire.meter.settled()]


@pytest.fixture
def posted(client: APIClient) -> Callable[..., WorkflowExecution]:
    """Ask for a run behind; it waits to be run."""

    def post(address: str, body: dict[str, Any] | None = None, **options: Any) -> Any:
        told = client.post(address, {**(body or {}), "mode": "background"}, **options)
        assert told.status_code == 202, told.json()
        return WorkflowExecution.objects.get(pk=told.json()["execution"]["id"])

    return post


@pytest.fixture
def ran(posted: Callable[..., WorkflowExecution]) -> Callable[..., WorkflowExecution]:
    """Run a graph to its end."""

    def run(graph: Any, message: str = "hello", **body: Any) -> WorkflowExecution:
        execution = posted(ONCE, {"graph": graph, "input": {"message": message}, **body})
        take_up()
        execution.refresh_from_db()
        return execution

    return run


@pytest.fixture
def again(posted: Callable[..., WorkflowExecution]) -> Callable[..., WorkflowExecution]:
    """Run an execution again to its end, and look whether it is whole."""

    def run(source: WorkflowExecution, how: str, **body: Any) -> WorkflowExecution:
        execution = posted(f"/api/v1/executions/{source.pk}/{how}/", body)
        take_up()
        execution.refresh_from_db()
        assert_whole(execution, how, source)
        return execution

    return run


def assert_whole(execution: WorkflowExecution, how: str, source: WorkflowExecution) -> None:
    """What holds of every rerun that is over."""
    assert (execution.rerun, execution.source_id) == (how, source.pk)
    assert (execution.version_id, execution.user_id) == (source.version_id, source.user_id)
    events = events_of(execution)
    assert [event for event in events if event["type"] in _LAST] == events[-1:]
    assert list(all_differences()) == []
    for call in ModelCall.objects.filter(origin=execution.origin).exclude(answered_by="provider"):
        assert (call.total_tokens, call.cost_nano_usd, call.exactness) == (0, 0, "metered")
        assert call.latency_ms is call.first_token_ms is None
        assert ModelCall.objects.get(pk=call.source_call_id).answered_by == "provider"


_LAST = ("execution.completed", "execution.failed", "execution.cancelled")


def answered_by(execution: WorkflowExecution) -> list[tuple[str, int, str, str]]:
    """Node, visit, status and who answered, of each call in its order."""
    calls = ModelCall.objects.filter(origin=execution.origin).order_by("id")
    return list(calls.values_list("node", "visit", "status", "answered_by"))


def text_in_log(execution: WorkflowExecution, node: str) -> str:
    events = events_of(execution)
    return "".join(
        event["data"]["text"]
        for event in events
        if event["type"] == "text.delta" and event["data"]["node"] == node
    )


def repeated_in(execution: WorkflowExecution) -> set[str]:
    """The nodes that came to what they came to in the source without doing anything."""
    ends = [event["data"] for event in events_of(execution) if event["type"] in _ENDS]
    return {data["node"] for data in ends if data["repeated"]}


_ENDS = ("node.finished", "node.failed")
