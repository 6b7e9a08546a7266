"""Loops and error handlers when a process dies: nothing is done twice, nothing is left out."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from core.aggregates import all_differences
from llms.models import ModelCall
from tests.drills.mortal import events_of, leases_run_out, live_and_die, take_up, types_of
from workflows.models import WorkflowExecution
from workflows.services.definitions import create_definition

ROUNDS = TRIES = 3
LOOP = {
    "nodes": [
        {"id": "start", "type": "start"},
        {"id": "loop", "type": "loop", "config": {"max_iterations": ROUNDS}},
        {"id": "model", "type": "model", "config": {"system": "{{nodes.loop.iteration}}"}},
        {
            "id": "note",
            "type": "variable",
            "config": {
                "name": "rounds",
                "operation": "append",
                "expression": "nodes.loop.iteration",
            },
        },
        {"id": "end", "type": "end", "config": {"output": "{{variables.rounds}}"}},
    ],
    "edges": [
        {"source": "start", "target": "loop"},
        {"source": "loop", "source_port": "continue", "target": "model"},
        {"source": "model", "target": "note"},
        {"source": "note", "target": "loop"},
        {"source": "loop", "source_port": "done", "target": "end"},
    ],
}
HANDLED = {
    "nodes": [
        {"id": "start", "type": "start"},
        {"id": "model", "type": "model"},
        {
            "id": "handler",
            "type": "error_handler",
            "config": {"retries": 2, "wait_s": 0, "text": "Sorry: {{nodes.model.code}}"},
        },
        {"id": "end", "type": "end"},
    ],
    "edges": [
        {"source": "start", "target": "model"},
        {"source": "model", "target": "end"},
        {"source": "model", "source_port": "error", "target": "handler"},
        {"source": "handler", "target": "end"},
    ],
}


@pytest.fixture
def begin(
    alice: User, api: Callable[[User], APIClient], built_in: None
) -> Callable[[dict[str, Any], str], WorkflowExecution]:
    """Say something to a graph; it waits to be run."""

    def begun(graph: dict[str, Any], message: str) -> WorkflowExecution:
        definition = create_definition(owner=alice, name="Under test", graph=graph)
        body = {"message": message, "definition": str(definition.pk), "mode": "background"}
        told = api(alice).post("/api/v1/chat/", body)
        assert told.status_code == 202, told.json()
        return WorkflowExecution.objects.get(pk=told.json()["execution"]["id"])

    return begun


def outlived(execution: WorkflowExecution, commits: int) -> WorkflowExecution:
    """The run after its process died, once, behind so many commits."""
    live_and_die(after_commits=commits)
    leases_run_out()
    take_up()
    execution.refresh_from_db()
    assert types_of(execution)[-1] == f"execution.{execution.status}"
    assert list(all_differences()) == []
    assert not ModelCall.objects.filter(origin=execution.origin, status="open").exists()
    return execution


@pytest.mark.parametrize("commits", range(7))
def test_a_loop_goes_on_in_the_round_where_its_process_died(begin, commits):
    execution = outlived(begin(LOOP, "say 3 words"), commits)
    assert (execution.status, execution.output["text"]) == ("completed", "[1, 2, 3]")
    calls = ModelCall.objects.filter(origin=execution.origin)
    assert calls.filter(status="succeeded").count() == ROUNDS
    visits = [
        (event["data"]["node"], event["data"]["visit"])
        for event in events_of(execution)
        if event["type"] == "node.finished"
    ]
    assert len(visits) == len(set(visits)) == 2 + (ROUNDS + 1) + 2 * ROUNDS


@pytest.mark.parametrize("commits", range(6))
def test_a_node_is_tried_again_as_often_as_its_handler_says_and_not_more(begin, commits):
    execution = outlived(begin(HANDLED, "please fail"), commits)
    assert execution.status == "completed"
    assert execution.output["text"].startswith("Sorry: provider_")
    calls = ModelCall.objects.filter(origin=execution.origin)
    assert calls.filter(status="failed").count() == TRIES
    assert set(calls.values_list("visit", flat=True)) == {1, 2, 3}
