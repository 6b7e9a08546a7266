"""What runs for somebody who is deactivated meanwhile is paid for no longer."""

import asyncio
from typing import Any

from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model

from accounts.models import User
from llms.models import ModelCall
from llms.services.profiles import forget_profiles
from tests.definitions.graphs import graph
from workflows.models import WorkflowExecution
from workflows.pump.pump import Pump
from workflows.tracking.writer import writer

WAITS = {"id": "wait", "type": "delay", "config": {"seconds": 1}}


def test_a_run_asks_no_model_once_its_owner_is_deactivated(
    api: Any, alice: User, built_in: None
) -> None:
    asks = graph(WAITS, {"id": "ask", "type": "model", "config": {}})
    body = {"graph": asks, "input": {"message": "hello"}, "mode": "background"}
    told = api(alice).post("/api/v1/workflows/execute/", body)
    run = WorkflowExecution.objects.get(pk=told.json()["execution"]["id"])

    async def scenario() -> None:
        pumped = asyncio.create_task(Pump(writer).drain())
        async with asyncio.timeout(10):
            while run.status == "pending":
                await asyncio.sleep(0.05)
                await run.arefresh_from_db()
            await get_user_model().objects.filter(pk=alice.pk).aupdate(is_active=False)
            forget_profiles()
            await pumped

    async_to_sync(scenario)()
    run.refresh_from_db()
    assert run.error is not None
    assert (run.status, run.error["code"]) == ("failed", "unknown_model")
    assert not ModelCall.objects.exists()
