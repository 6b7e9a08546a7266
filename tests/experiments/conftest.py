"""Experiments of alice's, a clock that is turned, and turns that are taken through the API."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from core import clock
from experiments.models import Experiment
from experiments.services.routing import forget_running
from llms.models import ModelProfile, Provider
from llms.services.profiles import forget_profiles
from workflows.models import WorkflowTemplate

EXPERIMENTS = "/api/v1/experiments/"
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
Door = Callable[[User], APIClient]
MANY = 40  # turns, of which not all are dealt the same: 1 in 500 billion by chance
BRIEF, LONG = {"system": "Be brief."}, {"system": "Explain everything at great length."}


class TurnedClock:
    """Stands still until it is turned."""

    def __init__(self) -> None:
        self.time = NOON

    def __call__(self) -> datetime:
        return self.time

    def on(self, **by: float) -> None:
        self.time += timedelta(**by)
        forget_running()


@pytest.fixture(autouse=True)
def nothing_running() -> None:
    """What a process knows for a second is not to outlive a test."""
    forget_running()


@pytest.fixture
def turned(monkeypatch: pytest.MonkeyPatch) -> TurnedClock:
    made = TurnedClock()
    monkeypatch.setattr(clock, "now", made)
    return made


@pytest.fixture
def other_model(built_in: None) -> str:
    """A second profile of the demo provider; gives its name."""
    provider = Provider.objects.get(kind="demo")
    parameters = {"delay_ms_per_word": 0, "max_tokens": 3}
    made = ModelProfile.objects.create(
        provider=provider, model="chatter-demo-terse", parameters=parameters
    )
    forget_profiles()
    return f"{provider.name}:{made.model}"


@pytest.fixture
def long_there(built_in: None) -> None:
    """What is asked for was there before the days that plans look at."""
    WorkflowTemplate.objects.update(created_at=clock.now() - timedelta(days=90))


@pytest.fixture
def experiment(
    api: Door, alice: User, built_in: None, django_capture_on_commit_callbacks: Any
) -> Callable[..., dict[str, Any]]:
    """Make one of alice's about the plain chat, and start it unless told otherwise."""

    def made(by: User = alice, start: bool = True, **body: Any) -> dict[str, Any]:
        variants = [
            {"name": "as it is", "control": True},
            {"name": "brief", "parameters": BRIEF},
        ]
        target = {} if "definition" in body else {"template": "universal_chat"}
        given = {
            "name": "Short", "primary": "tokens", "window_min": 60, "variants": variants,
            **target, **body,
        }  # fmt: skip
        answer = api(by).post(EXPERIMENTS, given)
        assert answer.status_code == 201, answer.json()
        return act(api(by), answer.json(), "start") if start else answer.json()

    def act(client: APIClient, one: dict[str, Any], verb: str) -> dict[str, Any]:
        with django_capture_on_commit_callbacks(execute=True):
            answer = client.post(f"{EXPERIMENTS}{one['id']}/{verb}/")
        assert answer.status_code == 200, answer.json()
        return dict(answer.json())

    return made


@pytest.fixture
def row(turned: Any, experiment: Any) -> Any:
    """A running experiment's row."""

    def made(**body: Any) -> Experiment:
        return Experiment.objects.for_list().get(pk=experiment(**body)["id"])

    return made


@pytest.fixture
def results(api: Any, alice: Any) -> Any:
    def told(one: Experiment) -> dict[str, Any]:
        answer = api(alice).get(f"{EXPERIMENTS}{one.pk}/results/")
        assert answer.status_code == 200, answer.json()
        return dict(answer.json())

    return told


@pytest.fixture
def say(api: Door, drain: Callable[[], None]) -> Callable[..., dict[str, Any]]:
    """One turn, answered; gives what it began with."""

    def said(by: User, conversation: str | None = None, **body: Any) -> dict[str, Any]:
        asked = {"message": "Hello", "mode": "background", **body}
        if conversation:
            asked["conversation"] = conversation
        begun = api(by).post("/api/v1/chat/", asked)
        assert begun.status_code == 202, begun.json()
        drain()
        return dict(begun.json())

    return said
