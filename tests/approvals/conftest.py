"""Alice's desk, and a letter that waits on it."""

from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from tests.approvals.desk import Desk, letter


@pytest.fixture
def desk(alice: User, api: Callable[[User], APIClient], built_in: None) -> Desk:
    return Desk(api(alice))


@pytest.fixture
def asked(desk: Desk, drain: Callable[[], None]) -> Callable[..., str]:
    """Start a letter and run it until it waits; gives the execution."""

    def begun(**config: object) -> str:
        pk = desk.begin(letter(**config))
        drain()
        assert desk.run(pk)["status"] == "waiting"
        return pk

    return begun
