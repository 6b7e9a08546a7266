"""A clock that tests turn, workflows of alice's, and the doors to what starts them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from rest_framework.test import APIClient

from accounts.models import User
from core import clock
from tests.definitions.graphs import graph
from triggers.services.firing import fire_due
from triggers.services.following import follow_ended

SCHEDULES = "/api/v1/schedules/"
CHAINS = "/api/v1/chains/"
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


class TurnedClock:
    """Stands still until it is turned."""

    def __init__(self) -> None:
        self.time = NOON

    def __call__(self) -> datetime:
        return self.time

    def on(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def turned(monkeypatch: pytest.MonkeyPatch) -> TurnedClock:
    """The one clock, from noon of a day in June."""
    made = TurnedClock()
    monkeypatch.setattr(clock, "now", made)
    return made


@pytest.fixture
def client(alice: User, api: Callable[[User], APIClient], built_in: None) -> APIClient:
    return api(alice)


@pytest.fixture
def workflow(client: APIClient) -> Callable[..., str]:
    """Make a workflow of alice's from these nodes; gives its id."""

    def made(*nodes: dict[str, Any], name: str = "Report") -> str:
        answer = client.post("/api/v1/definitions/", {"name": name, "graph": graph(*nodes)})
        assert answer.status_code == 201, answer.json()
        return str(answer.json()["id"])

    return made


@pytest.fixture
def schedule(
    client: APIClient, workflow: Callable[..., str], turned: TurnedClock
) -> Callable[..., dict[str, Any]]:
    """Make a schedule of alice's: by default every minute, beginning at once."""

    def made(**body: Any) -> dict[str, Any]:
        if "definition" not in body and "template" not in body:
            body["definition"] = workflow()
        times = {"kind": "interval", "every_s": 60} if "kind" not in body else {}
        given = {"name": "Minutely", "input": {"message": "hello"}, **times, **body}
        answer = client.post(SCHEDULES, given)
        assert answer.status_code == 201, answer.json()
        return dict(answer.json())

    return made


def fire() -> None:
    """What whoever hosts a pump does every second."""
    async_to_sync(fire_due)()


def follow() -> None:
    """And that."""
    async_to_sync(follow_ended)()


def firings(client: APIClient, made: dict[str, Any]) -> list[tuple[str, str]]:
    """What came of each fire time, oldest first: seconds after noon and what became of it."""
    rows = client.get(f"{SCHEDULES}{made['id']}/firings/").json()["results"]
    return [(after_noon(row["fire_at"]), row["status"]) for row in reversed(rows)]


def after_noon(at: str) -> str:
    return f"+{(datetime.fromisoformat(at) - NOON).total_seconds():.0f}"
