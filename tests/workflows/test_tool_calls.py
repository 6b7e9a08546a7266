"""A model that calls tools: what is called, recorded and told."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from audit.models import AuditEntry
from core.aggregates import all_differences
from llms.models import ModelCall
from tests.drills.mortal import events_of, take_up
from tools.models import ToolCall, ToolSetting
from workflows.models import WorkflowExecution
from workflows.services.definitions import create_definition

SUM = 'use the tool calculator {"expression": "2 * (3 + 4)"}'


@pytest.fixture
def say(
    alice: User, api: Callable[[User], APIClient], built_in: None
) -> Callable[[str], WorkflowExecution]:
    """Say something to a workflow with tools; it waits to be run."""
    definition = create_definition(owner=alice, name="With tools", graph=_graph())

    def said(message: str) -> WorkflowExecution:
        body = {"message": message, "definition": str(definition.pk), "mode": "background"}
        told = api(alice).post("/api/v1/chat/", body)
        assert told.status_code == 202, told.json()
        return WorkflowExecution.objects.get(pk=told.json()["execution"]["id"])

    return said


def _graph() -> dict[str, Any]:
    def edge(source: str, target: str, port: str = "out") -> dict[str, str]:
        return {"source": source, "source_port": port, "target": target}

    tools = ["calculator", "clock"]
    return {
        "nodes": [
            {"id": "start", "type": "start"},
            {"id": "model", "type": "model", "config": {"tools": tools}},
            {"id": "tools", "type": "tools"},
            {"id": "end", "type": "end"},
        ],
        "edges": [
            edge("start", "model"),
            edge("model", "tools", "tool_calls"),
            edge("tools", "model"),
            edge("model", "end"),
        ],
    }


def test_a_tool_that_a_model_asks_for_is_called_and_its_answer_told(say):
    execution = say(SUM)
    take_up()
    execution.refresh_from_db()
    assert (execution.status, execution.output["text"]) == ("completed", "The tool answered: 14")
    call = ToolCall.objects.get(origin=execution.origin)
    assert (call.tool, call.status, call.text, call.user) == (
        "calculator",
        "succeeded",
        "14",
        execution.user,
    )
    assert (call.node, call.visit, call.call_index, call.attempt) == ("tools", 1, 1, 1)
    assert call.request_id == execution.request_id


def test_both_questions_of_a_round_are_in_the_ledger_and_in_the_totals(say):
    execution = say(SUM)
    take_up()
    execution.refresh_from_db()
    calls = ModelCall.objects.filter(origin=execution.origin).order_by("id")
    assert [(call.visit, call.finish_reason) for call in calls] == [(1, "tool_calls"), (2, "stop")]
    assert execution.call_count == 2
    assert list(all_differences()) == []


def test_the_log_tells_of_a_call_between_the_questions(say):
    execution = say(SUM)
    take_up()
    told = [event for event in events_of(execution) if event["type"].startswith("tool.")]
    assert [event["type"] for event in told] == ["tool.started", "tool.finished"]
    assert told[0]["data"]["arguments"] == {"expression": "2 * (3 + 4)"}
    assert (told[1]["data"]["status"], told[1]["data"]["text"]) == ("succeeded", "14")


@pytest.mark.parametrize(
    ("message", "status", "code"),
    [
        ('use the tool calculator {"expression": "1 / 0"}', "failed", "tool_failed"),
        ('use the tool calculator {"sum": 1}', "failed", "invalid_arguments"),
    ],
)
def test_what_goes_wrong_is_told_to_the_model_and_the_run_goes_on(say, message, status, code):
    execution = say(message)
    take_up()
    execution.refresh_from_db()
    assert execution.status == "completed"
    assert f"Error ({code})" in execution.output["text"]
    assert ToolCall.objects.get(origin=execution.origin).status == status


def test_a_tool_that_is_switched_off_is_refused_when_it_is_called(say):
    execution = say(SUM)
    ToolSetting.objects.update_or_create(tool="calculator", defaults={"enabled": False})
    take_up()
    execution.refresh_from_db()
    assert "tool_disabled" in execution.output["text"]
    assert ToolCall.objects.get(origin=execution.origin).status == "refused"
    assert AuditEntry.objects.filter(action="tools.call.refused").count() == 1
