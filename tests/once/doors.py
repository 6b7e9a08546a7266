"""The addresses at which work is started, with somebody's things behind them."""

from collections.abc import Callable
from re import sub
from typing import Any

from rest_framework.test import APIClient

from accounts.models import User
from tests.approvals.desk import letter
from tests.definitions.graphs import asks, graph
from workflows.models import Approval
from workflows.services.definitions import create_definition

INPUT = {"input": {"message": "hello"}, "mode": "background"}
STARTS_NO_RUN = {"/api/v1/approvals/{id}/decide/", "/api/v1/tools/{key}/call/"}
Doors = dict[str, tuple[str, dict[str, Any]]]


def doors_of(client: APIClient, owner: User, drain: Callable[[], None]) -> Doors:
    """By the path as documented: its address, and what to say there. One run waits for people."""
    made = create_definition(owner=owner, name="x", graph=graph(asks()))
    say = {"message": "hello", "mode": "background"}
    talk = client.post("/api/v1/chat/", say).json()
    asked = client.post("/api/v1/workflows/execute/", {**INPUT, "graph": letter()}).json()
    drain()
    ran, again = talk["execution"]["id"], {"mode": "background"}
    approval = Approval.objects.get(execution=asked["execution"]["id"])
    bodies = {
        "/api/v1/chat/": say,
        "/api/v1/conversations/{id}/messages/": {**say, "when_busy": "refuse"},
        "/api/v1/definitions/{id}/execute/": INPUT,
        "/api/v1/templates/{id}/execute/": INPUT,
        "/api/v1/workflows/execute/": {**INPUT, "graph": graph(asks())},
        "/api/v1/executions/{id}/retry/": again,
        "/api/v1/executions/{id}/replay/": again,
        "/api/v1/executions/{id}/fork/": {**again, "node": "model"},
        "/api/v1/approvals/{id}/decide/": {"decision": "approve"},
        "/api/v1/tools/{key}/call/": {"arguments": {"expression": "6 * 7"}},
    }
    ids = {
        "conversations": talk["conversation"]["id"],
        "definitions": str(made.pk),
        "templates": "universal_chat",
        "executions": ran,
        "approvals": str(approval.pk),
        "tools": "calculator",
    }
    return {
        path: (sub(r"\{\w+\}", ids.get(path.split("/")[3], ""), path), body)
        for path, body in bodies.items()
    }
