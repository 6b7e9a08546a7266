"""Runs of alice's workflows with limits, and what has to hold of one that reached its limit."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from tests.limits.runs import Begin
from workflows.models import WorkflowExecution


@pytest.fixture
def client(
    alice: User, api: Callable[[User], APIClient], built_in: None, settings: Any
) -> APIClient:
    settings.CHATTER_DRAIN_S = 0
    return api(alice)


@pytest.fixture
def begin(client: APIClient) -> Begin:
    """Start a workflow of this graph with these limits; it waits to be run."""

    def begun(graph: dict[str, Any], message: str = "hello", **limits: Any) -> WorkflowExecution:
        made = client.post("/api/v1/definitions/", {"name": "x", "graph": graph, "limits": limits})
        assert made.status_code == 201, made.json()
        body = {"input": {"message": message}, "mode": "background"}
        told = client.post(f"/api/v1/definitions/{made.json()['id']}/execute/", body)
        assert told.status_code == 202, told.json()
        return WorkflowExecution.objects.get(pk=told.json()["execution"]["id"])

    return begun
