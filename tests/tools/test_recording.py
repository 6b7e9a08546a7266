"""Calls outside a run are in the database, whatever becomes of the caller."""

import asyncio
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync

from accounts.models import User
from core import clock
from core.models import new_id
from tests.tools.conftest import request_for
from tests.tools.recorder import Willing
from tools.calling import call_tool
from tools.chores import settle_lost_calls
from tools.ledger import ToolCallRecord
from tools.models import ToolCall
from tools.recording import DatabaseRecorder

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plugins")]


def test_a_caller_who_leaves_leaves_a_settled_row(alice: User) -> None:
    async def call() -> None:
        async with DatabaseRecorder() as recorder:
            await call_tool(request_for("slow", alice, timeout_s=5), recorder, Willing())

    async def scenario() -> None:
        task = asyncio.create_task(call())
        await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    async_to_sync(scenario)()
    row = ToolCall.objects.get()
    assert (row.status, row.error_code) == ("cancelled", "cancelled")
    assert row.settled_at is not None


def test_the_row_is_open_while_the_tool_works(alice: User) -> None:
    async def scenario() -> str:
        async with DatabaseRecorder() as recorder:
            request = request_for("slow", alice, timeout_s=0.2)
            task = asyncio.create_task(call_tool(request, recorder, Willing()))
            await asyncio.sleep(0.1)
            status = (await ToolCall.objects.aget()).status
            await task
        return str(status)

    assert async_to_sync(scenario)() == "open"
    assert ToolCall.objects.get().status == "timed_out"


def test_an_answer_that_comes_after_its_call_was_given_up_changes_nothing(alice: User) -> None:
    began = clock.now() - timedelta(hours=1)
    call = ToolCallRecord(
        id=new_id(),
        created_at=began,
        origin=f"api:{new_id()}",
        user_id=alice.pk,
        tool="slow",
        node="",
        visit=1,
        call_index=1,
        attempt=1,
        arguments={},
        started_at=began,
    )

    async def scenario() -> None:
        async with DatabaseRecorder() as recorder:
            await recorder.opened(call)
            await settle_lost_calls.work()
            call.settle("succeeded")
            recorder.settled(call)

    async_to_sync(scenario)()
    assert ToolCall.objects.get().status == "lost"
