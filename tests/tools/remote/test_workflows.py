"""A model calls a tool of an MCP server, in a workflow and from the chat."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from core.aggregates import all_differences
from llms.models import ModelCall
from tests.audit.ends import end_of
from tests.drills.mortal import events_of, take_up
from tests.tools.remote.conftest import Register
from tools.models import McpTool, ToolCall, ToolSetting
from workflows.models import WorkflowExecution

ECHO = 'use the tool near__echo {"text": "hello from afar"}'
GRAPH = {
    "nodes": [
        {"id": "start", "type": "start"},
        {"id": "model", "type": "model", "config": {"tools": ["near__echo"]}},
        {"id": "tools", "type": "tools"},
        {"id": "end", "type": "end"},
    ],
    "edges": [
        {"source": "start", "target": "model", "source_port": "out"},
        {"source": "model", "target": "tools", "source_port": "tool_calls"},
        {"source": "tools", "target": "model", "source_port": "out"},
        {"source": "model", "target": "end", "source_port": "out"},
    ],
}

Api = Callable[[User], APIClient]


def _made(client: APIClient) -> Any:
    return client.post("/api/v1/definitions/", {"name": "Remote", "graph": GRAPH})


@pytest.mark.usefixtures("built_in")
def test_a_workflow_calls_a_remote_tool_and_tells_what_it_answered(
    register: Register, alice: User, api: Api
) -> None:
    register()
    refused = _made(api(alice))
    assert refused.status_code == 400, refused.json()
    assert "unknown_tool" in refused.content.decode()
    ToolSetting.objects.filter(tool="near__echo").update(open_to_all=True)
    made = _made(api(alice))
    assert made.status_code == 201, made.json()
    body = {"message": ECHO, "definition": made.json()["id"], "mode": "background"}
    told = api(alice).post("/api/v1/chat/", body)
    assert told.status_code == 202, told.json()
    take_up()
    execution = WorkflowExecution.objects.get(pk=told.json()["execution"]["id"])
    assert execution.status == "completed"
    assert execution.output["text"] == "The tool answered: hello from afar"
    approved = McpTool.objects.get(key="near__echo").content_hash
    assert execution.used["tool:near__echo"] == approved
    call = ToolCall.objects.get(origin=execution.origin)
    assert (call.tool, call.status, call.user) == ("near__echo", "succeeded", alice)
    kinds = [event["type"] for event in events_of(execution)]
    assert {"tool.started", "tool.finished"} <= set(kinds)
    told = end_of(execution).detail
    assert told["accessed"] == {"servers": ["near"]}
    assert told["decisions"] == {"near__echo": {"open": 1}}
    assert ModelCall.objects.filter(origin=execution.origin).count() == 2
    assert list(all_differences()) == []


@pytest.mark.usefixtures("built_in")
def test_the_chat_offers_the_remote_tools_one_may_use(
    register: Register, alice: User, admin: User
) -> None:
    register()

    def offered(user: User) -> bool:
        client = Client()
        client.force_login(user)
        return "near__echo" in client.get("/chat/").content.decode()

    assert (offered(alice), offered(admin)) == (False, True)
    ToolSetting.objects.filter(tool="near__echo").update(open_to_all=True)
    assert offered(alice)
