"""A tool that is tried with an `Idempotency-Key` is called once, whatever becomes of who asked."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from rest_framework.test import APIClient

from accounts.models import User
from core import clock
from tests.factories.tools import ToolCallFactory
from tests.plans import plans
from tests.tools.conftest import request_for
from tests.tools.plugins import Counting
from tools.base import ToolResult
from tools.chores import settle_lost_calls
from tools.models import ToolCall
from tools.request import ToolAnswer, ToolRequest
from tools.services.trying import _going_on, origin_of, try_tool_once

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plugins")]
Api = Callable[[User], APIClient]
ADD = "/api/v1/tools/counting/call/"
FIVE = {"arguments": {"first": 3}}
KEY = {"Idempotency-Key": "five"}


@pytest.fixture(autouse=True)
def _not_called_yet() -> Iterator[None]:
    Counting.calls.clear()
    yield
    Counting.calls.clear()


def asked(user: User, tool: str = "counting", **arguments: Any) -> ToolRequest:
    return request_for(tool, user, origin=origin_of(user.pk, "k"), node="", arguments=arguments)


def test_the_same_key_and_arguments_are_one_call(api: Api, alice: User, charlie: User) -> None:
    first, again = (api(alice).post(ADD, FIVE, headers=KEY) for _ in range(2))
    assert (first.status_code, first.json()["data"]) == (200, {"sum": 5})
    assert again.content == first.content
    assert (len(Counting.calls), ToolCall.objects.count()) == (1, 1)
    assert api(charlie).post(ADD, FIVE, headers=KEY).json()["call"] != first.json()["call"]


@pytest.mark.parametrize("text", [None, 5, {"sum": 5}])
def test_a_tool_whose_answer_holds_no_text_has_failed(
    api: Api, alice: User, monkeypatch: pytest.MonkeyPatch, text: Any
) -> None:
    """As a plug-in may leave it: the row of its call is settled all the same."""

    async def call(self: Any, args: Any, context: Any) -> ToolResult:
        return ToolResult(text=text, data={"sum": 5})

    monkeypatch.setattr(Counting, "call", call)
    told = api(alice).post(ADD, FIVE)
    assert (told.status_code, told.json()["error"]["code"]) == (200, "tool_failed")
    assert ToolCall.objects.get().status == "failed"


@pytest.mark.parametrize("other", ["arguments", "tool"])
def test_a_key_of_another_call_is_refused(api: Api, alice: User, other: str) -> None:
    api(alice).post(ADD, FIVE, headers=KEY)
    path = ADD if other == "arguments" else "/api/v1/tools/impatient/call/"
    body = {"arguments": {"first": 4}} if other == "arguments" else FIVE
    told = api(alice).post(path, body, headers=KEY)
    assert (told.status_code, told.json()["code"]) == (409, "idempotency_key_reused")
    assert ToolCall.objects.count() == 1


def test_a_refusal_and_an_error_are_given_again_too(api: Api, alice: User) -> None:
    wrong = {"arguments": {"first": "three"}}
    first, again = (api(alice).post(ADD, wrong, headers=KEY) for _ in range(2))
    assert first.json()["error"]["code"] == "invalid_arguments"
    assert again.content == first.content


def test_who_asks_while_it_is_being_made_waits_for_its_answer(alice: User) -> None:
    async def both() -> list[ToolAnswer]:
        return await asyncio.gather(*(try_tool_once(asked(alice, "slow")) for _ in range(3)))

    answers = async_to_sync(both)()
    assert {answer.call_id for answer in answers} == {ToolCall.objects.get().pk}
    assert {answer.status for answer in answers} == {"timed_out"}
    assert [answer.replayed for answer in answers].count(False) == 1


def test_it_goes_on_when_who_asked_has_left(alice: User) -> None:
    async def scenario() -> None:
        asking = asyncio.create_task(try_tool_once(asked(alice, "slow")))
        while not await sync_to_async(ToolCall.objects.count)():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        asking.cancel()
        await asyncio.wait([asking])
        await asyncio.gather(*_going_on)

    async_to_sync(scenario)()
    assert ToolCall.objects.get().status == "timed_out"


def test_a_key_is_kept_for_a_day(api: Api, alice: User) -> None:
    api(alice).post(ADD, FIVE, headers=KEY)
    for age, calls in ((timedelta(hours=23), 1), (timedelta(hours=25), 2)):
        ToolCall.objects.update(created_at=clock.now() - age)
        assert api(alice).post(ADD, FIVE, headers=KEY).status_code == 200
        assert len(Counting.calls) == calls
    assert api(alice).post(ADD, {"arguments": {"first": 4}}, headers=KEY).status_code == 409
    ToolCall.objects.update(created_at=clock.now() - age)
    assert api(alice).post(ADD, {"arguments": {"first": 4}}, headers=KEY).status_code == 200


def test_a_call_whose_process_died_is_lost_and_made_again(api: Api, alice: User) -> None:
    def left(**fields: Any) -> ToolCall:
        open_row = {"status": "open", "settled_at": None, "text": "", "data": None}
        return ToolCallFactory(**{"user": alice, "node": "", **open_row, **fields})

    long_ago = clock.now() - timedelta(seconds=75)
    died = left(
        origin=origin_of(alice.pk, "five"),
        tool="counting",
        arguments=FIVE["arguments"],
        started_at=long_ago,
    )
    under_way = left(origin=origin_of(alice.pk, "other"), started_at=clock.now())
    in_a_run = left(started_at=long_ago)
    async_to_sync(settle_lost_calls.work)()
    statuses = {call.pk: call.status for call in ToolCall.objects.all()}
    assert statuses == {died.pk: "lost", under_way.pk: "open", in_a_run.pk: "open"}

    answer = api(alice).post(ADD, FIVE, headers=KEY).json()
    made = ToolCall.objects.get(pk=answer["call"])
    assert (made.origin, made.attempt, made.status) == (died.origin, 2, "succeeded")


def test_the_lost_are_looked_for_among_the_calls_that_are_open(db: None) -> None:
    """Every twenty seconds; SQLite had read all there ever were, the newest first."""
    with plans(ToolCall) as steps:
        async_to_sync(settle_lost_calls.work)()
    assert steps == ["SCAN tools_toolcall USING INDEX tools_calls_under_way"]
