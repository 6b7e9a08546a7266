"""What is started and streamed in one request is a stream like every other."""

import asyncio
import re
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.test import AsyncClient

from accounts.connections import connections
from accounts.models import User
from core.events import bell
from core.outlets import EXTENSION
from tests.definitions.graphs import graph, waits
from tests.drills.mortal import until
from tests.watching.world import Life, World
from workflows.models import WorkflowExecution
from workflows.pump.pump import Pump
from workflows.tracking.log import read_log
from workflows.tracking.writer import writer

pytestmark = pytest.mark.django_db
BODY = {"input": {"message": "hello"}, "graph": graph(waits(0)), "mode": "stream"}


class Line:
    """The way to a client, as a server offers it that never waits for a slow one."""

    def __init__(self) -> None:
        self._taken = asyncio.Event()

    @property
    def ready(self) -> bool:
        return self._taken.is_set()

    async def drained(self) -> None:
        await self._taken.wait()

    def take_all(self) -> None:
        self._taken.set()

    async def close(self) -> None:
        return


class Browser(AsyncClient):
    """Its line is free, unless it has one of its own."""

    line: Line | None = None

    async def request(self, **scope: Any) -> Any:
        extensions = {EXTENSION: lambda: self.line} if self.line else {}
        return await super().request(**scope, extensions=extensions)

    async def start(self, **headers: str) -> Any:
        address = "/api/v1/workflows/execute/"
        return await self.post(address, BODY, content_type="application/json", headers=headers)


@pytest.fixture(autouse=True)
def quick(settings: Any) -> None:
    settings.CHATTER_POLL_S = 0.05
    settings.LIVE_RECHECK_S = 0.05


async def browser_of(user: User) -> Browser:
    made = Browser()
    await made.aforce_login(user)
    return made


async def read(answer: Any, parts: list[str]) -> str:
    async for part in answer:
        parts.append(part.decode())
    return "".join(parts)


def numbers(text: str) -> list[int]:
    return [int(found) for found in re.findall(r"^id: (\d+)$", text, re.MULTILINE)]


def test_a_client_that_takes_nothing_is_sent_nothing_and_told_all_in_the_end(
    alice: User, settings: Any
) -> None:
    settings.LIVE_BEHIND = 4

    async def scenario() -> None:
        browser, world = await browser_of(alice), await sync_to_async(World)(alice)
        browser.line = Line()
        answer = await browser.start()
        parts: list[str] = []
        reading = asyncio.create_task(read(answer, parts))
        row = await WorkflowExecution.objects.aget()
        life = Life(row, await sync_to_async(read_log)(row.id))
        world.lives.append(life)
        for at in range(20):
            await world.happen(0, 2, last=at == 19)
        assert parts == []
        browser.line.take_all()
        text = await reading
        assert numbers(text) == [told.seq for told in life.log]
        assert max(len(numbers(part)) for part in parts) < len(life.log) / 2
        assert f'event: end\ndata: {{"type":"end","execution":"{row.id}",' in text
        answer.close()

    async_to_sync(scenario)()


def test_what_ends_while_a_part_is_on_its_way_is_told_to_its_end(alice: User) -> None:
    async def scenario() -> None:
        browser, world = await browser_of(alice), await sync_to_async(World)(alice)
        answer = await browser.start()
        row = await WorkflowExecution.objects.aget()
        life = Life(row, await sync_to_async(read_log)(row.id))
        world.lives.append(life)
        parts: list[str] = []
        async for part in answer:
            parts.append(part.decode())
            if numbers("".join(parts)) and not life.over:
                await world.happen(0, 2, last=True)
                await asyncio.sleep(0.3)
        text = "".join(parts)
        assert numbers(text) == [told.seq for told in life.log]
        assert "event: end\n" in text
        answer.close()

    async_to_sync(scenario)()


def test_who_is_deactivated_hears_no_more_of_what_they_started(alice: User) -> None:
    async def scenario() -> None:
        answer = await (await browser_of(alice)).start()
        parts: list[str] = []
        reading = asyncio.create_task(read(answer, parts))
        await until(lambda: bool(parts))
        alice.is_active = False
        await sync_to_async(alice.save)()
        async with asyncio.timeout(10):
            text = await reading
        assert "event: problem\n" in text
        assert '"status":401' in text
        assert "event: end\n" not in text
        answer.close()

    async_to_sync(scenario)()


def test_a_connection_too_many_starts_nothing(alice: User, settings: Any) -> None:
    settings.LIVE_MAX_CONNECTIONS = 1

    async def scenario() -> None:
        browser = await browser_of(alice)
        first = await browser.start()
        refused = await browser.start()
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_connections")
        assert await WorkflowExecution.objects.acount() == 1
        first.close()
        (await browser.start()).close()
        assert not connections._held
        assert not bell._listeners

    async_to_sync(scenario)()


def test_who_asks_again_with_the_same_key_is_told_the_same_events(alice: User) -> None:
    async def scenario() -> None:
        browser = await browser_of(alice)
        answers = [await browser.start(**{"Idempotency-Key": "once"}) for _ in range(2)]
        told = [asyncio.create_task(read(answer, [])) for answer in answers]
        await Pump(writer).drain()
        first, again = await asyncio.gather(*told)
        assert numbers(first) == numbers(again) != []
        assert await WorkflowExecution.objects.acount() == 1
        for answer in answers:
            answer.close()
        assert not connections._held

    async_to_sync(scenario)()
