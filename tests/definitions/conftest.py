"""A definition of alice's, and the doors to it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from tests.definitions.graphs import asks, graph

DEFINITIONS = "/api/v1/definitions/"


@pytest.fixture
def client(alice: User, api: Callable[[User], APIClient], built_in: None) -> APIClient:
    return api(alice)


@pytest.fixture
def made(client: APIClient) -> dict[str, Any]:
    """A definition as the API shows it after it was made."""
    body = {"name": "Letters", "description": "Writes letters.", "graph": graph(asks("Be kind."))}
    answer = client.post(DEFINITIONS, body)
    assert answer.status_code == 201, answer.json()
    return answer.json()


@pytest.fixture
def address(made: dict[str, Any]) -> str:
    return f"{DEFINITIONS}{made['id']}/"


@pytest.fixture
def office(admin: User, built_in: None) -> Client:
    """An administrator in the back office."""
    browser = Client()
    browser.force_login(admin)
    return browser
