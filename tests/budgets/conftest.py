"""Runs of alice's workflows under budgets."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from llms.models import ModelProfile
from llms.services.profiles import forget_profiles
from tests.budgets.runs import ANSWERED, Begin
from workflows.models import WorkflowExecution


@pytest.fixture
def client(
    alice: User, api: Callable[[User], APIClient], built_in: None, settings: Any
) -> APIClient:
    """The demo's answers are known to have twenty tokens at most, so worst cases are small."""
    settings.CHATTER_DRAIN_S = 0
    ModelProfile.objects.update(max_output_tokens=ANSWERED, context_window=None)
    forget_profiles()
    return api(alice)


@pytest.fixture
def begin(client: APIClient) -> Begin:
    """Start a workflow of this graph; it waits to be run."""

    def begun(graph: dict[str, Any], message: str = "hello") -> WorkflowExecution:
        made = client.post("/api/v1/definitions/", {"name": "x", "graph": graph})
        assert made.status_code == 201, made.json()
        body = {"input": {"message": message}, "mode": "background"}
        told = client.post(f"/api/v1/definitions/{made.json()['id']}/execute/", body)
        assert told.status_code == 202, told.json()
        return WorkflowExecution.objects.get(pk=told.json()["execution"]["id"])

    return begun
