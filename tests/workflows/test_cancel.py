"""Promises 8, 9 and 14: stop means stop, one run per cause, one turn at a time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.test import AsyncClient
from rest_framework.test import APIClient

from accounts.models import User
from audit.models import AuditEntry
from audit.verification import verify
from conversations.models import Conversation, Message
from core.aggregates import all_differences
from core.models import new_id
from llms.metering import close_clients
from llms.models import ModelCall
from tests.drills.models import GPT_TOO, asks, chain, waits, wire_model
from tests.drills.mortal import (
    MortalWriter,
    events_of,
    leases_run_out,
    live_and_die,
    logged,
    take_up,
    types_of,
    until,
)
from tests.wire import WireServer
from workflows.models import IdempotencyKey, WorkflowExecution
from workflows.pump.doorbell import doorbell
from workflows.pump.pump import Pump
from workflows.services.definitions import create_definition
from workflows.services.executions import request_cancel
from workflows.tracking.leases import claim

SLOW = "[[words=400]] [[delay_ms=20]]"
# The pump of the same process is told of a stop when that is committed.
with_commits = pytest.mark.django_db(transaction=True)


@pytest.fixture
def client(alice: User, api: Callable[[User], APIClient], built_in: None) -> APIClient:
    return api(alice)


@pytest.fixture
def gpt(wire: WireServer, built_in: None) -> str:
    return wire_model(wire)


def say(client: APIClient, message: str, **body: Any) -> WorkflowExecution:
    told = client.post("/api/v1/chat/", {"message": message, "mode": "background", **body})
    assert told.status_code == 202, told.json()
    return WorkflowExecution.objects.get(pk=told.json()["execution"]["id"])


def stop(client: APIClient, execution: Any) -> Any:
    return client.post(f"/api/v1/executions/{getattr(execution, 'pk', execution)}/cancel/")


def text_in_log(execution: WorkflowExecution) -> str:
    """What watchers have seen of the answer."""
    text = ""
    for event in events_of(execution):
        if event["type"] == "model.started":
            text = ""
        text += event["data"]["text"] if event["type"] == "text.delta" else ""
    return text


def reply_to(execution: WorkflowExecution) -> Message:
    return Message.objects.get(execution=execution, role="assistant")


@asynccontextmanager
async def at_work(user: User, *, in_process: bool = True) -> AsyncIterator[AsyncClient]:
    """A pump that serves, and a client in its loop; `in_process`: they know of each other."""
    browser, over = AsyncClient(), asyncio.Event()
    await browser.aforce_login(user)
    pump = Pump(MortalWriter())
    serving = asyncio.create_task(pump.serve(over))
    await asyncio.sleep(0)
    if in_process:
        doorbell.pump = pump
    try:
        yield browser
    finally:
        doorbell.pump = None
        over.set()
        await serving
        await close_clients()


def begun_and_stopped(
    user: User,
    execution: WorkflowExecution,
    when: Callable[[], bool],
    *,
    in_process: bool = True,
) -> int:
    """Run until something holds, then cancel; the status of the answer."""

    async def scenario() -> int:
        async with at_work(user, in_process=in_process) as browser:
            await until(when)
            async with asyncio.timeout(15):
                told = await browser.post(f"/api/v1/executions/{execution.pk}/cancel/")
            at_the_answer = await sync_to_async(types_of)(execution)
            await asyncio.sleep(0.2)
            assert await sync_to_async(types_of)(execution) == at_the_answer
            return int(told.status_code)

    status = async_to_sync(scenario)()
    execution.refresh_from_db()
    assert (status == 200) is (execution.status == "cancelled")
    return status


# --- stop ----------------------------------------------------------------------------------------


def test_what_has_not_begun_never_begins(client: APIClient, drain: Callable[[], None]) -> None:
    execution = say(client, "hello")
    told = stop(client, execution)
    drain()
    assert (told.status_code, told.json()["status"]) == (200, "cancelled")
    assert types_of(execution) == ["execution.created", "execution.cancelled"]
    reply = reply_to(execution)
    assert (reply.status, reply.text) == ("cancelled", "")
    assert str(reply.pk) == events_of(execution)[-1]["data"]["message"]
    assert not ModelCall.objects.exists()
    assert list(all_differences()) == []
    assert verify().ok


def test_what_is_over_cannot_be_stopped(client: APIClient, drain: Callable[[], None]) -> None:
    execution = say(client, "hello")
    drain()
    before = types_of(execution)
    for _ in range(2):
        told = stop(client, execution)
        assert (told.status_code, told.json()["code"]) == (409, "execution_already_over")
    assert types_of(execution) == before
    execution.refresh_from_db()
    assert execution.status == "completed"


def test_what_was_stopped_cannot_be_stopped_again(client: APIClient) -> None:
    execution = say(client, "hello")
    assert [stop(client, execution).status_code for _ in range(2)] == [200, 409]
    ended = AuditEntry.objects.filter(action="workflows.execution.cancelled")
    assert ended.count() == 1


def test_a_stranger_cannot_stop_a_run(
    client: APIClient, charlie: User, api: Callable[[User], APIClient]
) -> None:
    execution = say(client, "hello")
    for pk in (execution.pk, new_id(), "nonsense"):
        told = stop(api(charlie), pk)
        assert (told.status_code, told.json()["code"]) == (404, "not_found")
    execution.refresh_from_db()
    assert (execution.status, execution.cancel_requested_at) == ("pending", None)


@with_commits
def test_a_run_that_came_to_its_own_end_meanwhile_was_not_stopped(
    client: APIClient, alice: User, gpt: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflows.pump.pump._BEAT_S", 60)  # it does not look whether it is to stop
    execution = say(client, "[[words=20]] [[delay_ms=25]]", model=gpt)
    told = begun_and_stopped(alice, execution, logged("model.started"), in_process=False)
    assert (told, execution.status) == (409, "completed")


@with_commits
@pytest.mark.parametrize("in_process", [True, False], ids=["told", "seen in the table"])
def test_a_call_in_flight_is_closed_and_counted(
    client: APIClient, alice: User, wire: WireServer, gpt: str, settings: Any, in_process: bool
) -> None:
    settings.CHATTER_DRAIN_S = 0.2
    execution = say(client, SLOW, model=gpt)
    told = begun_and_stopped(alice, execution, logged("text.delta"), in_process=in_process)
    assert (told, execution.status) == (200, "cancelled")

    (call,) = ModelCall.objects.all()
    (record,) = wire.meter.settled()
    assert record.client_left
    assert record.sent_words < 400
    assert (call.status, call.exactness) == ("cancelled", "estimated")
    assert call.input_tokens > 0
    assert call.output_tokens > 0
    assert call.cost_nano_usd > 0
    assert execution.estimated_calls == 1
    types = types_of(execution)
    assert types[-1] == "execution.cancelled"
    assert "execution.cancelling" in types
    assert types.index("execution.cancelling") < types.index("model.finished")
    assert [e["data"]["node"] for e in events_of(execution) if e["type"] == "node.started"] == [
        "start",
        "memory",
        "model",
    ]
    reply = reply_to(execution)
    assert reply.status == "cancelled"
    assert reply.text == text_in_log(execution) != ""
    assert list(all_differences()) == []
    assert verify().ok


@with_commits
def test_the_next_turn_knows_of_one_that_was_stopped_what_was_said_until_then(
    client: APIClient, alice: User, wire: WireServer, gpt: str
) -> None:
    stopped = say(client, SLOW, model=gpt)
    begun_and_stopped(alice, stopped, logged("text.delta"))
    conversation = stopped.serial_key.removeprefix("conversation:")
    say(client, "Go on", model=gpt, conversation=conversation)
    take_up()
    *_, question, answer, _ = wire.meter.settled()[-1].said
    assert question == f"user: {SLOW}"
    assert answer == f"assistant: {reply_to(stopped).text}"[: len(answer)] != "assistant: "


@with_commits
def test_a_stream_that_is_nearly_done_is_drained_for_its_usage(
    client: APIClient, alice: User, wire: WireServer, gpt: str
) -> None:
    execution = say(client, "[[words=60]] [[delay_ms=25]] [[cached=9]]", model=gpt)
    assert begun_and_stopped(alice, execution, logged("text.delta")) == 200
    (call,), (record,) = ModelCall.objects.all(), wire.meter.settled()
    assert (call.status, call.exactness, execution.status) == (
        "cancelled",
        "metered",
        "cancelled",
    )
    assert (call.input_tokens, call.cache_read_tokens, call.output_tokens) == (
        record.usage.input,
        record.usage.cache_read,
        record.usage.output,
    )


@with_commits
def test_no_node_starts_after_a_stop(
    client: APIClient, alice: User, wire: WireServer, gpt: str
) -> None:
    """The call that is drained even comes to its end; what stands behind it is not asked."""
    graph = chain(asks("first", gpt), asks("second", GPT_TOO))
    definition = create_definition(owner=alice, name="two", graph=graph)
    execution = say(client, "[[words=60]] [[delay_ms=25]]", definition=str(definition.id))
    assert begun_and_stopped(alice, execution, logged("text.delta", node="first")) == 200
    assert [record.model for record in wire.meter.settled()] == ["gpt-test"]
    started = [e["data"]["node"] for e in events_of(execution) if e["type"] == "node.started"]
    assert started == ["start", "first"]


@with_commits
def test_a_delay_is_stopped_at_once(client: APIClient, alice: User) -> None:
    graph = chain(waits("waits", 3600))
    definition = create_definition(owner=alice, name="patience", graph=graph)
    execution = say(client, "wait", definition=str(definition.id))
    assert begun_and_stopped(alice, execution, logged("delay.started")) == 200
    assert execution.status == "cancelled"


@with_commits
def test_waiting_for_another_try_is_stopped_at_once(
    client: APIClient, alice: User, wire: WireServer, gpt: str
) -> None:
    execution = say(client, "[[fault=429 retry_after=15]]", model=gpt)
    assert begun_and_stopped(alice, execution, logged("model.finished")) == 200
    assert execution.status == "cancelled"
    assert len(wire.meter.settled()) == 1
    (call,) = ModelCall.objects.all()
    assert (call.status, call.error_code) == ("failed", "provider_rate_limited")


@with_commits
def test_many_stops_at_once_are_one_stop(client: APIClient, alice: User, gpt: str) -> None:
    execution = say(client, SLOW, model=gpt)

    async def scenario() -> list[int]:
        async with at_work(alice) as browser:
            await until(logged("text.delta"))
            address = f"/api/v1/executions/{execution.pk}/cancel/"
            told = await asyncio.gather(*(browser.post(address) for _ in range(5)))
            return sorted(one.status_code for one in told)

    assert set(async_to_sync(scenario)()) <= {200, 409}
    types = types_of(execution)
    assert types.count("execution.cancelling") == types.count("execution.cancelled") == 1
    assert Message.objects.filter(role="assistant").count() == 1
    assert list(all_differences()) == []


def test_a_run_that_is_stopped_before_its_first_step_stops(
    client: APIClient, alice: User, settings: Any
) -> None:
    """Start and stop reach the pump in one turn of its loop, which was busy until then."""
    settings.CHATTER_LEASE_S = 0.5
    execution = say(client, "hello")

    async def scenario() -> None:
        over, pump = asyncio.Event(), Pump(MortalWriter())
        (claimed,) = await sync_to_async(claim)(pump.owner, 1)
        await sync_to_async(request_cancel)(execution.pk, by=alice)
        serving = asyncio.create_task(pump.serve(over))
        await asyncio.sleep(0)
        assert pump.reserve()
        pump.take(claimed)
        pump.cancel(execution.pk)
        await until(lambda: WorkflowExecution.objects.get(pk=execution.pk).over)
        over.set()
        await serving

    async_to_sync(scenario)()
    assert types_of(execution)[-1] == "execution.cancelled"
    assert not ModelCall.objects.exists()
    assert list(all_differences()) == []


# --- what nobody runs any more -------------------------------------------------------------------


def test_what_a_dead_process_was_running_can_be_stopped(
    client: APIClient, alice: User, wire: WireServer, gpt: str
) -> None:
    execution = say(client, SLOW, model=gpt)
    assert live_and_die(logged("text.delta"))
    request_cancel(execution.pk, by=alice)
    take_up()
    execution.refresh_from_db()
    assert execution.status == "cancelled"
    assert len(wire.meter.settled()) == 1
    (call,) = ModelCall.objects.all()
    assert (call.status, call.exactness, call.total_tokens) == ("lost", "open", None)
    assert types_of(execution)[-1] == "execution.cancelled"
    assert list(all_differences()) == []
    assert reply_to(execution).text == text_in_log(execution) != ""


def test_what_was_handed_back_can_be_stopped(client: APIClient, alice: User, gpt: str) -> None:
    execution = say(client, SLOW, model=gpt)
    handed_back(alice, logged("text.delta"))
    told = stop(client, execution)
    assert (told.status_code, told.json()["status"]) == (200, "cancelled")
    assert types_of(execution)[-1] == "execution.cancelled"
    assert list(all_differences()) == []
    assert reply_to(execution).text == text_in_log(execution) != ""


# --- hand back -----------------------------------------------------------------------------------


def handed_back(user: User, when: Callable[[], bool]) -> None:
    """Run until something holds, then shut the process down."""

    async def scenario() -> None:
        async with at_work(user):
            await until(when)

    async_to_sync(scenario)()


def test_a_shutdown_hands_back_what_runs(
    client: APIClient, alice: User, wire: WireServer, gpt: str, settings: Any
) -> None:
    settings.CHATTER_DRAIN_S = 0.1
    wire.script(SLOW, next=1)
    execution = say(client, "[[unicode]] hello", model=gpt)
    handed_back(alice, logged("text.delta"))
    execution.refresh_from_db()
    assert (execution.status, execution.lease_owner) == ("pending", "")
    assert types_of(execution)[-1] == "execution.handed_back"
    (call,) = ModelCall.objects.all()
    assert (call.status, call.exactness) == ("cancelled", "estimated")

    take_up()
    execution.refresh_from_db()
    assert (execution.status, execution.attempt) == ("completed", 2)
    types = types_of(execution)
    assert types.count("execution.handed_back") == types.count("execution.resumed") == 1
    reply = reply_to(execution)
    assert reply.text == execution.output["text"] == text_in_log(execution)
    assert (reply.call_count, reply.estimated_calls) == (2, 1)
    assert list(all_differences()) == []


# --- one turn at a time --------------------------------------------------------------------------


def test_a_second_message_waits_for_the_first(
    client: APIClient, alice: User, drain: Callable[[], None]
) -> None:
    first = say(client, "My name is Ada.")
    conversation = first.serial_key.removeprefix("conversation:")
    second = say(client, "What is my name?", conversation=conversation)
    third = say(client, "Thank you", conversation=conversation)
    assert [one.pk for one in claim("one", 10)] == [first.pk]
    assert claim("two", 10) == []
    leases_run_out()
    drain()
    assert reply_to(second).text == "Your name is Ada."
    messages = Message.objects.filter(conversation=conversation).in_order()
    assert [(one.turn, one.role) for one in messages] == [
        (1, "user"),
        (1, "assistant"),
        (2, "user"),
        (2, "assistant"),
        (3, "user"),
        (3, "assistant"),
    ]
    ended = []
    for one in (first, second, third):
        one.refresh_from_db()
        assert not ended or one.started_at >= ended[-1]
        ended.append(one.finished_at)


def test_a_turn_that_was_stopped_lets_the_next_one_begin(
    client: APIClient, drain: Callable[[], None]
) -> None:
    first = say(client, "My name is Ada.")
    conversation = first.serial_key.removeprefix("conversation:")
    second = say(client, "What is my name?", conversation=conversation)
    stop(client, first)
    drain()
    assert reply_to(second).status == "complete"


def test_two_messages_at_once_get_two_turns(client: APIClient, alice: User) -> None:
    first = say(client, "hello")
    conversation = first.serial_key.removeprefix("conversation:")

    async def scenario() -> list[Any]:
        async with at_work(alice) as browser:
            body = {"message": "at once", "conversation": conversation, "mode": "wait"}
            return await asyncio.gather(
                *(
                    browser.post("/api/v1/chat/", body, content_type="application/json")
                    for _ in range(4)
                )
            )

    told = async_to_sync(scenario)()
    assert [one.status_code for one in told] == [201] * 4
    assert sorted(one.json()["message"]["turn"] for one in told) == [2, 3, 4, 5]
    assert all(one.json()["message"]["status"] == "complete" for one in told)
    assert list(all_differences()) == []


def test_a_busy_conversation_refuses_whoever_will_not_wait(client: APIClient) -> None:
    first = say(client, "hello")
    conversation = first.serial_key.removeprefix("conversation:")
    body = {"message": "now!", "conversation": conversation, "when_busy": "refuse"}
    entries = AuditEntry.objects.count()
    told = client.post("/api/v1/chat/", {**body, "mode": "background"})
    assert (told.status_code, told.json()["code"]) == (409, "conversation_busy")
    assert WorkflowExecution.objects.count() == 1
    assert Message.objects.count() == 1
    assert AuditEntry.objects.count() == entries
    take_up()
    told = client.post("/api/v1/chat/", {**body, "mode": "background"})
    assert told.status_code == 202


# --- one run per cause ---------------------------------------------------------------------------


def asked(client: APIClient, key: str, message: str = "hello", **body: Any) -> Any:
    return client.post(
        "/api/v1/chat/",
        {"message": message, "mode": "background", **body},
        headers={"Idempotency-Key": key},
    )


def test_the_same_key_and_body_start_one_execution(
    client: APIClient, drain: Callable[[], None]
) -> None:
    first = asked(client, "key")
    drain()
    second = asked(client, "key")
    assert (first.status_code, second.status_code) == (202, 202)
    for name in ("execution", "conversation", "user_message"):
        assert first.json()[name]["id"] == second.json()[name]["id"]
    assert WorkflowExecution.objects.count() == Conversation.objects.count() == 1
    assert Message.objects.count() == 2


def test_the_same_key_for_another_body_is_a_conflict(client: APIClient) -> None:
    asked(client, "key")
    for body in ({"message": "good bye"}, {"parameters": {"system": "Be short."}}):
        told = asked(client, "key", **body)
        assert (told.status_code, told.json()["code"]) == (409, "idempotency_key_reused")
    assert WorkflowExecution.objects.count() == Conversation.objects.count() == 1


def test_keys_of_two_users_are_two_keys(
    client: APIClient, charlie: User, api: Callable[[User], APIClient]
) -> None:
    ids = {asked(one, "key").json()["execution"]["id"] for one in (client, api(charlie))}
    assert len(ids) == IdempotencyKey.objects.count() == 2


def test_a_request_that_was_refused_does_not_use_its_key_up(client: APIClient) -> None:
    assert asked(client, "key", model="no:such").status_code == 400
    assert not IdempotencyKey.objects.exists()
    assert asked(client, "key").status_code == 202


@pytest.mark.parametrize("key", ["a" * 256, "tab\there"])
def test_a_key_that_cannot_be_kept_is_refused(client: APIClient, key: str) -> None:
    told = asked(client, key)
    assert (told.status_code, told.json()["code"]) == (400, "bad_idempotency_key")
    assert not WorkflowExecution.objects.exists()
