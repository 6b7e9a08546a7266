"""A run that waits for people: asked, decided once, and taken up again by whoever is there."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from core.aggregates import all_differences
from audit.verification import verify
from llms.models import ModelCall
from tests.definitions.graphs import asks, graph
from tests.drills.mortal import events_of, types_of
from workflows.models import Approval, WorkflowExecution

APPROVALS = "/api/v1/approvals/"


def approval(node: str = "ask", **config: Any) -> dict[str, Any]:
    return {"id": node, "type": "approval", "config": {"question": "Send it?", **config}}


def prompts(node: str, template: str) -> dict[str, Any]:
    return {"id": node, "type": "prompt", "config": {"template": template}}


def test_first(alice, api, built_in, drain):
    g = graph(
        asks(),
        approval(),
        prompts("yes", "{{nodes.ask.by}}: {{text}}"),
        prompts("no", "no {{nodes.ask.comment}}"),
        edges=[
            "start>model",
            "model>ask",
            "ask.approved>yes",
            "ask.rejected>no",
            "yes>end",
            "no>end",
        ],
    )
    client = api(alice)
    t = client.post(
        "/api/v1/workflows/execute/", {"graph": g, "input": {"message": "hi"}, "mode": "background"}
    )
    assert t.status_code == 202, t.json()
    pk = t.json()["execution"]["id"]
    drain()
    ex = client.get(f"/api/v1/executions/{pk}/").json()
    print(ex)
    assert ex["status"] == "waiting"
    [a] = client.get(APPROVALS).json()["results"]
    print(a)
    print(types_of(pk))
    d = client.post(f"{APPROVALS}{a['id']}/decide/", {"decision": "approve", "comment": "fine"})
    assert d.status_code == 200, d.json()
    drain()
    ex = client.get(f"/api/v1/executions/{pk}/").json()
    print(ex)
    print(types_of(pk))
    assert ex["status"] == "completed"
    assert ModelCall.objects.count() == 1
