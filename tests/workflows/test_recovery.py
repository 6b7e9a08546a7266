"""Promises 6 and 7: what a dead process left is taken up, and nothing is paid twice."""

import asyncio
import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import OperationalError, connection
from rest_framework.test import APIClient

from accounts.models import User
from audit.models import AuditEntry
from audit.verification import verify
from conversations.models import Conversation, Message
from core.aggregates import all_differences
from llms.metering import close_clients
from llms.models import ModelCall
from tests.approvals.desk import later
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
from workflows.engine.events import ExecutionStarted
from workflows.engine.result import ExecutionResult
from workflows.models import ExecutionEvent, WorkflowExecution
from workflows.pump import run
from workflows.pump.pump import Pump
from workflows.services.definitions import create_definition
from workflows.totals import COUNTED
from workflows.tracking import writer as writer_module
from workflows.tracking.ending import ExecutionEnded
from workflows.tracking.facts import CallOpened, Fact
from workflows.tracking.leases import claim
from workflows.tracking.past import Past, past_of
from workflows.tracking.tracker import WorkflowTracker
from workflows.tracking.writer import GroupCommitWriter, LeaseLost, writer

TWO_QUESTIONS = "[[say=the second question]]"  # the answer of the first is what the second is asked


@pytest.fixture
def client(alice: User, api: Callable[[User], APIClient], built_in: None) -> APIClient:
    return api(alice)


@pytest.fixture
def two_calls(alice: User, wire: WireServer, built_in: None) -> str:
    """A workflow of two model calls, one after the other."""
    model = wire_model(wire)
    graph = chain(asks("first", model), asks("second", GPT_TOO))
    return str(create_definition(owner=alice, name="two calls", graph=graph).id)


def say(client: APIClient, message: str, **body: Any) -> WorkflowExecution:
    told = client.post("/api/v1/chat/", {"message": message, "mode": "background", **body})
    assert told.status_code == 202, told.json()
    return WorkflowExecution.objects.get(pk=told.json()["execution"]["id"])


def everything() -> list[Any]:
    """All rows a run may write."""
    return [
        list(model._base_manager.order_by("pk").values())
        for model in (WorkflowExecution, ExecutionEvent, ModelCall, Message, Conversation)
    ] + [list(AuditEntry.objects.order_by("id").values())]


def assert_whole(execution: WorkflowExecution) -> None:
    """What holds of a run that is over, whatever happened to it."""
    execution.refresh_from_db()
    events = events_of(execution)
    ends = [event for event in events if event["type"] in _TERMINAL]
    assert ends == events[-1:]
    identities = Counter(
        (
            event["type"],
            *(event["data"].get(name) for name in ("node", "visit", "call", "attempt", "offset")),
        )
        for event in events
    )
    assert [one for one, count in identities.items() if count > 1] == []
    assert list(all_differences()) == []
    assert verify().ok
    reply = Message.objects.get(execution=execution, role="assistant")
    assert {name: getattr(reply, name) for name in COUNTED} == {
        name: getattr(execution, name) for name in COUNTED
    }
    assert str(reply.id) == str(events[-1]["data"]["message"])


_TERMINAL = ("execution.completed", "execution.failed", "execution.cancelled")


# --- replay --------------------------------------------------------------------------------------


def test_a_finished_call_is_answered_from_its_row(
    client: APIClient, wire: WireServer, two_calls: str
) -> None:
    wire.script("fault=hang after=2", model="gpt-too", next=1)
    execution = say(client, TWO_QUESTIONS, definition=two_calls)
    assert live_and_die(logged("text.delta", node="second"))

    execution.refresh_from_db()
    assert (execution.status, execution.attempt) == ("running", 1)
    take_up()

    assert_whole(execution)
    assert (execution.status, execution.attempt) == ("completed", 2)
    asked = Counter(record.question for record in wire.meter.settled())
    assert asked == {TWO_QUESTIONS: 1, "the second question": 2}
    types = types_of(execution)
    assert types.count("execution.started") == types.count("execution.resumed") == 1
    assert types.count("node.finished") == 4
    lost, answered = ModelCall.objects.filter(node="second").order_by("attempt")
    assert (lost.status, lost.exactness, answered.status) == ("lost", "open", "succeeded")
    assert lost.total_tokens is lost.input_tokens is lost.cost_nano_usd is None
    assert lost.upper_bound_tokens > 0
    assert lost.upper_bound_nano_usd > 0
    assert execution.open_calls == 1
    told = client.get(f"/api/v1/executions/{execution.pk}/").json()["totals"]
    assert (told["calls"], told["exactness"]) == (3, "open")


@pytest.mark.parametrize("commits", range(9))
def test_a_process_may_die_after_any_of_its_commits(
    client: APIClient, wire: WireServer, two_calls: str, commits: int
) -> None:
    """Every request that was sent has its row, and one whose answer was saved is not sent again."""
    execution = say(client, f"{TWO_QUESTIONS} [[reasoning=3]]", definition=two_calls)
    died = live_and_die(after_commits=commits)
    saved = set(ModelCall.objects.filter(status="succeeded").values_list("node", flat=True))
    take_up()

    assert_whole(execution)
    assert execution.status == "completed"
    assert execution.output["text"].startswith("You asked: the second question")
    assert died == (commits < 3)
    sent = Counter(record.call for record in wire.meter.settled())
    rows = {str(call.pk): call for call in ModelCall.objects.all()}
    assert set(sent) <= set(rows)
    assert set(sent.values()) == {1}
    assert all(rows[one].status == "lost" for one in rows.keys() - sent.keys())
    for node in ("first", "second"):
        succeeded = [call for call in rows.values() if call.node == node]
        assert [call.status for call in succeeded].count("succeeded") == 1
        assert node not in saved or len(succeeded) == 1
    assert _text_in_log(execution, "second") == execution.output["text"]


def test_what_is_taken_up_again_and_again_still_comes_to_its_end(
    client: APIClient, two_calls: str
) -> None:
    execution = say(client, TWO_QUESTIONS, definition=two_calls)
    for commits in (0, 1, 1, 0, 1, 2):
        live_and_die(after_commits=commits)
        leases_run_out()
    take_up()
    assert_whole(execution)
    assert execution.status == "completed"


def test_a_call_that_failed_for_good_stays_failed(
    client: APIClient, alice: User, wire: WireServer, built_in: None
) -> None:
    """The branch that its error took is taken again; the provider is not asked again."""
    graph = chain(asks("asks", wire_model(wire)), waits("waits", 3600))
    graph["nodes"].append({"id": "sorry", "type": "delay", "config": {"seconds": 3600}})
    graph["edges"] += [
        {"source": "asks", "source_port": "error", "target": "sorry"},
        {"source": "sorry", "target": "end"},
    ]
    definition = create_definition(owner=alice, name="sorry", graph=graph)
    execution = say(client, "[[fault=400 times=1]]", definition=str(definition.id))
    assert live_and_die(logged("delay.started", node="sorry"))
    with later(hours=2):
        take_up()
    assert_whole(execution)
    assert [record.question for record in wire.meter.settled()] == ["[[fault=400 times=1]]"]
    ran = [e["data"]["node"] for e in events_of(execution) if e["type"] == "node.started"]
    assert ran == ["start", "asks", "sorry", "end"]


def test_a_delay_ends_when_it_was_to_end(client: APIClient, alice: User, built_in: None) -> None:
    graph = chain(waits("waits", 3600))
    definition = create_definition(owner=alice, name="patience", graph=graph)
    execution = say(client, "wait", definition=str(definition.id))
    assert live_and_die(logged("delay.started"))
    (before,) = [e["data"] for e in events_of(execution) if e["type"] == "delay.started"]
    with later(seconds=3590):
        leases_run_out()
        assert live_and_die(logged("execution.resumed"))  # not yet
    with later(seconds=3601):
        take_up()
    assert_whole(execution)
    assert execution.status == "completed"
    (after,) = [e["data"] for e in events_of(execution) if e["type"] == "delay.started"]
    assert after == before


def test_while_a_node_waits_to_be_tried_again_the_others_go_on_side_by_side(
    client: APIClient, wire: WireServer, built_in: None
) -> None:
    """Also in the next process: an error that is not the last ends nothing."""
    models = {"one": wire_model(wire), "other": GPT_TOO}
    wire.script("fault=hang after=2", next=4)
    again = {"scope": "graph", "retries": 1, "wait_s": 300}
    nodes = [
        {"id": "bad", "type": "prompt", "config": {"template": "{{ input.nowhere }}"}},
        *(asks(node, model) for node, model in models.items()),
    ]
    whole = chain(*nodes)
    ends = [
        {"id": "again", "type": "error_handler", "config": again},
        {"id": "last", "type": "end"},
    ]
    whole["nodes"] += ends
    whole["edges"] = [{"source": "again", "target": "last"}]
    for node in ("bad", *models):
        whole["edges"] += [{"source": "start", "target": node}, {"source": node, "target": "end"}]
    body = {"graph": whole, "input": {"message": "hello"}, "mode": "background"}
    told = client.post("/api/v1/workflows/execute/", body)
    execution = WorkflowExecution.objects.get(pk=told.json()["execution"]["id"])

    def asked(attempt: int) -> Callable[[], bool]:
        rows = ModelCall.objects.filter(origin=execution.origin, attempt=attempt)
        return lambda: {*rows.values_list("node", flat=True)} == {*models}

    assert live_and_die(asked(1))
    leases_run_out()
    assert live_and_die(asked(2))


# --- fencing -------------------------------------------------------------------------------------


def test_an_owner_that_was_thought_dead_cannot_write_any_more(
    client: APIClient, wire: WireServer, two_calls: str
) -> None:
    wire.script("fault=hang after=2", model="gpt-too", next=1)
    execution = say(client, TWO_QUESTIONS, definition=two_calls)

    async def scenario() -> None:
        sleeper = Pump(MortalWriter())
        asleep = asyncio.create_task(sleeper.drain())
        async with asyncio.timeout(20):
            await until(logged("text.delta", node="second"))
            await sync_to_async(leases_run_out)()
            await Pump(writer).drain()
            before = await sync_to_async(everything)()
            sleeper.cancel(execution.pk)  # it settles its call, and wants to end the run
            await asyncio.gather(asleep, return_exceptions=True)
        assert await sync_to_async(everything)() == before
        await close_clients()

    async_to_sync(scenario)()
    assert_whole(execution)
    assert (execution.status, execution.attempt) == ("completed", 2)


@pytest.mark.parametrize("end", ["complete", "fail", "cancel", "hand_back"])
@pytest.mark.parametrize("meanwhile", ["running", "over"])
def test_no_end_of_a_stale_owner_counts(client: APIClient, end: str, meanwhile: str) -> None:
    say(client, "hello")
    (stale,) = claim("stale", 1)
    leases_run_out()
    if meanwhile == "over":
        take_up()
    else:
        claim("fresh", 1)
    before = everything()

    async def scenario() -> None:
        past = await sync_to_async(past_of)(stale.pk)
        tracker = WorkflowTracker(stale, GroupCommitWriter(), past)
        arguments: dict[str, tuple[Any, ...]] = {
            "complete": (ExecutionResult("stale", {}, None),),
            "fail": ("stale", "stale"),
        }
        with pytest.raises(LeaseLost):
            await getattr(tracker, end)(*arguments.get(end, ()))

    async_to_sync(scenario)()
    assert everything() == before


def test_what_a_timer_has_handed_on_is_waited_for_as_well(client: APIClient) -> None:
    """Its writer has it, and has not written it."""
    say(client, "hello")
    (mine,) = claim("mine", 1)

    async def scenario() -> list[str]:
        tracker = WorkflowTracker(mine, GroupCommitWriter(), await sync_to_async(past_of)(mine.pk))
        tracker.emit(ExecutionStarted(mine.attempt))
        await asyncio.sleep(0.1)
        await tracker.committed()
        return await sync_to_async(types_of)(mine)

    assert async_to_sync(scenario)() == ["execution.created", "execution.started"]


def test_two_processes_that_look_at_once_do_not_run_it_twice(client: APIClient) -> None:
    execution = say(client, "hello")

    async def scenario() -> None:
        pumps = [Pump(GroupCommitWriter()) for _ in range(4)]
        await asyncio.gather(*(pump.drain() for pump in pumps))

    async_to_sync(scenario)()
    assert_whole(execution)
    assert (execution.attempt, ModelCall.objects.count()) == (1, 1)


def test_a_living_owner_keeps_what_it_runs(client: APIClient) -> None:
    say(client, "hello")
    assert len(claim("one", 10)) == 1
    assert claim("two", 10) == []


# --- a database that fails -----------------------------------------------------------------------


@pytest.mark.parametrize("which", range(1, 5))
def test_a_run_whose_commit_failed_is_taken_up_by_the_same_process(
    client: APIClient,
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
    which: int,
) -> None:
    """One write fails; the lease runs out although the process lives, and the run goes on."""
    settings.CHATTER_LEASE_S = 0.4
    write, calls = writer_module.write, 0

    def failing(units: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == which:
            raise OperationalError("the disk had a bad moment")
        write(units)

    execution = say(client, "hello")
    monkeypatch.setattr(writer_module, "write", failing)

    async def scenario() -> None:
        stop = asyncio.Event()
        serving = asyncio.create_task(Pump(writer).serve(stop))
        async with asyncio.timeout(15):
            await until(lambda: _over(execution))
        stop.set()
        await serving

    async_to_sync(scenario)()
    assert_whole(execution)
    assert execution.status == "completed"


def test_a_node_that_cannot_read_the_database_fails_neither_itself_nor_its_run(
    client: APIClient,
) -> None:
    before = say(client, "hello")
    take_up()
    talk = before.serial_key.removeprefix("conversation:")
    execution, refused = say(client, "hello again", conversation=talk), 0

    def away(execute: Any, sql: str, *rest: Any) -> Any:
        nonlocal refused
        if sql.startswith("SELECT") and "conversations_message" in sql and not refused:
            refused += 1
            raise OperationalError("the server closed the connection unexpectedly")
        return execute(sql, *rest)

    with connection.execute_wrapper(away):
        take_up()
    assert refused
    leases_run_out()
    take_up()
    assert_whole(execution)
    assert (execution.status, execution.attempt) == ("completed", 2)
    assert "node.failed" not in types_of(execution)


@pytest.mark.parametrize("kind", [CallOpened, ExecutionEnded])
def test_what_cannot_be_written_ends_its_run_at_once(
    client: APIClient, monkeypatch: pytest.MonkeyPatch, kind: type[Fact]
) -> None:
    """Another attempt would come to the same values, and fail the same."""
    write = kind.write

    def failing(facts: Any) -> None:
        if any(getattr(fact, "error", None) is None for fact in facts):
            raise ValueError("no value of JSON")
        write(facts)

    execution = say(client, "hello")
    monkeypatch.setattr(kind, "write", staticmethod(failing))
    take_up()
    assert_whole(execution)
    assert (execution.status, execution.attempt) == ("failed", 1)
    assert execution.error["code"] == "internal_error"


def test_an_output_that_the_database_refuses_ends_its_run_at_once(
    client: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Infinity is bad data to PostgreSQL, and to SQLite a row that its check of JSON refuses."""
    write = ExecutionEnded.write

    def beyond_numbers(facts: Any) -> None:
        for fact in facts:
            fact.output = fact.output and {"text": "", "variables": {"n": math.inf}}
        write(facts)

    execution = say(client, "hello")
    monkeypatch.setattr(ExecutionEnded, "write", staticmethod(beyond_numbers))
    take_up()
    assert_whole(execution)
    assert (execution.status, execution.attempt) == ("failed", 1)
    assert execution.error["code"] == "internal_error"


def test_a_row_that_was_there_before_leaves_a_run_to_its_next_attempt(
    client: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def there_before(facts: Any) -> None:
        WorkflowExecution.objects.create(pk=execution.pk, user=execution.user, input={})

    execution = say(client, "hello")
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(ExecutionEnded, "write", staticmethod(there_before))
        take_up()
    take_up()
    assert_whole(execution)
    assert (execution.status, execution.attempt) == ("completed", 2)


@pytest.mark.parametrize(("attempt", "code"), [(2, "internal_error"), (40, "too_many_attempts")])
def test_a_run_whose_past_cannot_be_read_ends(
    client: APIClient, monkeypatch: pytest.MonkeyPatch, attempt: int, code: str
) -> None:
    execution = say(client, "hello")
    assert live_and_die(after_commits=0)
    WorkflowExecution.objects.filter(pk=execution.pk).update(attempt=attempt - 1)

    def unreadable(_: Any) -> None:
        raise KeyError("an event of another time")

    monkeypatch.setattr(run, "past_of", unreadable)
    take_up()
    assert_whole(execution)
    assert (execution.status, execution.error["code"]) == ("failed", code)


def test_what_was_asked_is_settled_though_the_past_cannot_be_read(
    client: APIClient, wire: WireServer, two_calls: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire.script("fault=hang after=2", model="gpt-too", next=1)
    execution = say(client, TWO_QUESTIONS, definition=two_calls)
    assert live_and_die(logged("text.delta", node="second"))

    def unreadable(*_: Any) -> None:
        raise KeyError("an event of another time")

    monkeypatch.setattr(Past, "see", unreadable)
    take_up()
    assert_whole(execution)
    assert (execution.status, execution.open_calls) == ("failed", 1)
    calls = ModelCall.objects.order_by("started_at").values_list("node", "status")
    assert list(calls) == [("first", "succeeded"), ("second", "lost")]


def test_a_rerun_of_what_cannot_be_read_ends(
    client: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = say(client, "hello")
    take_up()

    def unreadable(_: Any) -> None:
        raise KeyError("an event of another time")

    monkeypatch.setattr(run, "recordings_of", unreadable)
    told = client.post(f"/api/v1/executions/{source.pk}/replay/", {"mode": "background"})
    take_up()
    again = WorkflowExecution.objects.get(pk=told.json()["execution"]["id"])
    assert (again.status, again.error["code"]) == ("failed", "internal_error")
    assert types_of(again)[-1] == "execution.failed"


# --- what went away meanwhile --------------------------------------------------------------------


def test_a_conversation_that_is_being_answered_is_not_deleted(client: APIClient) -> None:
    execution = say(client, "hello")
    address = f"/api/v1/conversations/{execution.serial_key.removeprefix('conversation:')}/"
    told = client.delete(address)
    assert (told.status_code, told.json()["code"]) == (409, "conversation_under_way")
    take_up()
    assert client.delete(address).status_code == 204
    assert list(all_differences()) == []
    assert WorkflowExecution.objects.filter(pk=execution.pk).exists()
    assert ModelCall.objects.filter(origin=execution.origin).exists()


def test_a_run_whose_conversation_went_away_still_ends(client: APIClient, alice: User) -> None:
    execution = say(client, "hello")
    Conversation.objects.filter(owner=alice).delete()
    take_up()
    execution.refresh_from_db()
    assert execution.status == "completed"
    last = events_of(execution)[-1]
    assert (last["type"], last["data"]["message"]) == ("execution.completed", None)
    assert list(all_differences()) == []
    assert verify().ok


def test_a_run_whose_user_went_away_disturbs_nobody(
    client: APIClient, alice: User, charlie: User, api: Callable[[User], APIClient]
) -> None:
    say(client, "hello")
    other = say(api(charlie), "hello")
    claim("dead", 1)
    alice.delete()
    take_up()
    assert_whole(other)
    assert WorkflowExecution.objects.exclude(user=charlie).count() == 0


def test_a_run_that_is_deleted_with_its_user_stops_and_its_call_is_settled(
    client: APIClient, wire: WireServer, two_calls: str, alice: User, settings: Any
) -> None:
    settings.CHATTER_LEASE_S = 1.0
    wire.script("fault=hang after=2", model="gpt-too", next=1)
    execution = say(client, TWO_QUESTIONS, definition=two_calls)

    async def scenario() -> None:
        stop, mortal = asyncio.Event(), MortalWriter()
        pump = Pump(mortal)
        serving = asyncio.create_task(pump.serve(stop))
        await until(logged("text.delta", node="second"))
        await sync_to_async(alice.delete)()
        async with asyncio.timeout(20):
            while pump.running:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.01)
        stop.set()
        await serving
        await mortal.settle()
        await close_clients()

    async_to_sync(scenario)()
    calls = ModelCall.objects.filter(origin=execution.origin).order_by("id")
    assert [call.status for call in calls] == ["succeeded", "lost"]
    assert list(all_differences()) == []


# --- how -----------------------------------------------------------------------------------------


def _over(execution: WorkflowExecution) -> bool:
    return WorkflowExecution.objects.filter(pk=execution.pk, finished_at__isnull=False).exists()


def _text_in_log(execution: WorkflowExecution, node: str) -> str:
    """What a watcher has put together of a node's answer; a new attempt begins anew."""
    text = ""
    for event in events_of(execution):
        if event["data"].get("node") != node:
            continue
        if event["type"] == "model.started":
            text = ""
        elif event["type"] == "text.delta":
            assert event["data"]["offset"] == len(text)
            text += event["data"]["text"]
    return text
