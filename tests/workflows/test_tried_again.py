"""A question is asked again of the model as it is by then, and by whoever may still ask it."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async

from accounts.models import User
from llms.models import ModelProfile, Provider
from llms.services.profiles import forget_profiles
from tests.definitions.graphs import asks, graph
from tests.drills.models import GPT, GPT_TOO, wire_model
from tests.drills.mortal import take_up
from tests.wire import WireServer
from workflows.models import WorkflowExecution
from workflows.pump.pump import Pump
from workflows.tracking.writer import writer

# As long as there is to change something before the next attempt.
REFUSED = "fault=503 retry_after=5"
WITHDRAWN = {
    "its owner is deactivated": lambda: User.objects.update(is_active=False),
    "its provider is switched off": lambda: Provider.objects.update(enabled=False),
    "its model is switched off": lambda: ModelProfile.objects.update(enabled=False),
}


@pytest.fixture
def wire(wire: WireServer, built_in: None) -> WireServer:
    wire_model(wire)
    return wire


@pytest.fixture
def ran(
    api: Any, alice: User, wire: WireServer
) -> Callable[[Callable[[], Any]], WorkflowExecution]:
    """A run that asks, and what is done once its first attempt has failed."""

    def run(between: Callable[[], Any], **config: Any) -> WorkflowExecution:
        asking = graph(asks(model=GPT, **config))
        body = {"graph": asking, "input": {"message": "hi"}, "mode": "background"}
        told = api(alice).post("/api/v1/workflows/execute/", body).json()

        async def scenario() -> None:
            pumped = asyncio.create_task(Pump(writer).drain())
            await asyncio.to_thread(wire.meter.received, 1, 60.0)
            await asyncio.to_thread(wire.meter.settled, 60.0)
            await sync_to_async(between)()
            forget_profiles()
            await pumped

        async_to_sync(scenario)()
        return WorkflowExecution.objects.get(pk=told["execution"]["id"])

    return run


@pytest.fixture
def replayed(api: Any, alice: User) -> Callable[[WorkflowExecution], WorkflowExecution]:
    def replay(run: WorkflowExecution) -> WorkflowExecution:
        body = {"mode": "background"}
        told = api(alice).post(f"/api/v1/executions/{run.pk}/replay/", body).json()
        take_up()
        return WorkflowExecution.objects.get(pk=told["execution"]["id"])

    return replay


@pytest.mark.parametrize("withdrawn", WITHDRAWN)
def test_a_model_is_not_asked_again_once(
    wire: WireServer, ran: Any, replayed: Any, withdrawn: str
) -> None:
    wire.script(REFUSED, next=1)
    run = ran(WITHDRAWN[withdrawn])
    assert len(wire.meter.settled()) == 1
    assert (run.status, run.error["code"]) == ("failed", "provider_failed")
    User.objects.update(is_active=True)
    again = replayed(run)
    assert (again.status, again.error) == (run.status, run.error)


def test_where_another_model_is_asked_instead_a_replay_asks_none(
    wire: WireServer, ran: Any, replayed: Any
) -> None:
    wire.script(REFUSED, next=1)
    withdrawn = ModelProfile.objects.filter(model=GPT.removeprefix("wire:"))
    run = ran(lambda: withdrawn.update(enabled=False), fallbacks=[GPT_TOO])
    again = replayed(run)
    assert run.status == "completed"
    assert (again.status, again.output) == (run.status, run.output)
    assert len(wire.meter.settled()) == 2


def test_another_attempt_is_made_as_the_model_is_set_by_then(wire: WireServer, ran: Any) -> None:
    wire.script(REFUSED, next=1)
    run = ran(lambda: ModelProfile.objects.update(parameters={"temperature": 0.25}))
    first, second = wire.meter.settled()
    told = [one.options.get("temperature") for one in (first, second)]
    assert (run.status, told) == ("completed", [None, 0.25])
