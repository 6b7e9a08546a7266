"""What is started where a pump has room is run by it, and waits for no lease."""

import asyncio

from asgiref.sync import async_to_sync, sync_to_async
from django.test import AsyncClient

from llms.metering import close_clients
from tests.drills.mortal import MortalWriter, until
from workflows.models import WorkflowExecution
from workflows.pump.doorbell import doorbell
from workflows.pump.pump import Pump


def test_a_run_begins_with_the_commit_that_starts_it(built_in, alice, settings):
    settings.CHATTER_LEASE_S = 2.0
    body = {"message": "hello", "mode": "background"}

    async def scenario():
        browser, over, pump = AsyncClient(), asyncio.Event(), Pump(MortalWriter())
        await browser.aforce_login(alice)
        serving = asyncio.create_task(pump.serve(over))
        await until(pump.reserve)
        pump.release()
        doorbell.pump = pump
        try:
            told = await browser.post("/api/v1/chat/", body, content_type="application/json")
            assert told.status_code == 202
            await until(lambda: WorkflowExecution.objects.get().over)
        finally:
            doorbell.pump = None
            over.set()
            await serving
            await close_clients()
        return await sync_to_async(WorkflowExecution.objects.get)()

    run = async_to_sync(scenario)()
    assert (run.status, run.attempt) == ("completed", 1)
