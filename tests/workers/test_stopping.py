"""A stop lets steps end for a while, and gives back what is left, at once."""

import asyncio
from collections import Counter
from threading import Event, Thread

import pytest
from asgiref.sync import async_to_sync, sync_to_async

from core import clock
from llms.metering import close_clients
from llms.models import ModelCall
from tests.drills.models import GPT_TOO, asks, chain, waits, wire_model
from tests.drills.mortal import MortalWriter, leases_run_out, logged, take_up, types_of, until
from workflows.engine.engine import ExecutionEngine
from workflows.models import WorkflowExecution
from workflows.pump.doorbell import CANCELS, Doorbell
from workflows.pump.hosts import PumpThread, _hear
from workflows.pump.pump import Pump
from workflows.pump.run import Run
from workflows.registry import NODE_TYPES
from workflows.services.definitions import create_definition
from workflows.tracking.facts import Line, Unit
from workflows.tracking.leases import claim
from workflows.tracking.writer import GroupCommitWriter


@pytest.fixture
def begin(alice, api, built_in):
    """Start a graph of these nodes, one after another."""
    client = api(alice)

    def start(*nodes):
        made = create_definition(owner=alice, name="stopped", graph=chain(*nodes))
        body = {"definition": str(made.id), "mode": "background", "message": "hello"}
        told = client.post("/api/v1/chat/", body)
        assert told.status_code == 202, told.json()
        return WorkflowExecution.objects.get(pk=told.json()["execution"]["id"])

    return start


def stopped(when, meanwhile=None):
    """Run until something holds, then stop the process that runs it."""

    async def scenario():
        mortal = MortalWriter()
        over, pump = asyncio.Event(), Pump(mortal)
        serving = asyncio.create_task(pump.serve(over))
        await until(when)
        if meanwhile is not None:
            await meanwhile(pump)
        over.set()
        async with asyncio.timeout(20):
            await serving
        await mortal.settle()
        await close_clients()

    async_to_sync(scenario)()


def assert_completed(execution):
    take_up()
    execution.refresh_from_db()
    assert (execution.status, execution.attempt) == ("completed", 2)


def test_the_step_under_way_ends_and_the_next_is_for_others(wire, begin, settings):
    settings.CHATTER_STOP_S = 15
    wire.script("[[words=20]] [[delay_ms=20]]", next=1)
    execution = begin(asks("first", wire_model(wire)), asks("second", GPT_TOO))
    stopped(logged("text.delta", node="first"))
    execution.refresh_from_db()
    assert (execution.status, execution.lease_owner) == ("pending", "")
    types = types_of(execution)
    assert types[-1] == "execution.handed_back"
    assert (types.count("node.started"), types.count("node.finished")) == (2, 2)
    (call,) = ModelCall.objects.all()
    assert (call.node, call.status, call.exactness) == ("first", "succeeded", "metered")

    assert_completed(execution)
    assert Counter(ModelCall.objects.values_list("node", flat=True)) == {"first": 1, "second": 1}
    assert len(wire.meter.settled()) == 2


def test_a_step_that_does_not_end_in_time_is_cut_and_made_again(wire, begin, settings):
    settings.CHATTER_STOP_S, settings.CHATTER_DRAIN_S = 0.2, 0.1
    wire.script("fault=hang after=2", next=1)
    execution = begin(asks("only", wire_model(wire)))
    stopped(logged("text.delta", node="only"))
    execution.refresh_from_db()
    assert execution.status == "pending"
    assert_completed(execution)
    assert ModelCall.objects.count() == 2


def test_what_only_waits_keeps_no_stop_waiting(begin, settings):
    settings.CHATTER_STOP_S = 3600
    execution = begin(waits("long", 600))
    stopped(logged("delay.started"))
    execution.refresh_from_db()
    assert (execution.status, types_of(execution)[-1]) == ("pending", "execution.handed_back")


def test_another_takes_up_what_was_handed_back_without_waiting_for_a_lease(begin):
    execution = begin(waits("long", 600))
    stopped(logged("delay.started"))
    assert [one.pk for one in claim("other", 10)] == [execution.pk]


def test_a_run_may_be_handed_back_as_often_as_processes_come_and_go(begin):
    """A pump of a worker lives for minutes, and a run may wait for hours."""
    execution = begin(waits("long", 600))
    stopped(logged("delay.started"))
    for attempt in range(2, 24):
        stopped(logged("execution.resumed", attempt=attempt))
    execution.refresh_from_db()
    assert (execution.status, execution.attempt, execution.error) == ("pending", 23, None)


def test_a_process_that_stood_still_too_long_leaves_its_runs_to_their_new_owner(wire, begin):
    wire.script("fault=hang after=2", next=1)
    execution = begin(asks("only", wire_model(wire)))

    def take_away():
        leases_run_out()
        assert [one.pk for one in claim("other", 10)] == [execution.pk]

    async def taken_by_another(pump):
        await sync_to_async(take_away)()
        async with asyncio.timeout(15):
            while pump.running:  # noqa: ASYNC110 - a pump sets no event
                await asyncio.sleep(0.02)

    stopped(logged("text.delta", node="only"), taken_by_another)
    execution.refresh_from_db()
    assert (execution.status, execution.attempt, execution.lease_owner) == ("running", 2, "other")
    take_up()
    execution.refresh_from_db()
    assert (execution.status, execution.attempt) == ("completed", 3)
    assert types_of(execution).count("execution.completed") == 1


def test_a_process_that_loses_a_lease_and_takes_it_up_itself_runs_it_once_at_a_time(wire, begin):
    """The database was slow for longer than the lease, and then the same pump claims first."""
    wire.script("fault=hang after=2", next=1)
    execution = begin(asks("only", wire_model(wire)))

    async def claimed_again(pump):
        (before,) = [run.task for run in pump._runs.values()]
        await sync_to_async(leases_run_out)()
        pump.wake()
        async with asyncio.timeout(15):
            await asyncio.wait([before])
            while pump.running:  # noqa: ASYNC110 - a pump sets no event
                await asyncio.sleep(0.02)

    stopped(logged("text.delta", node="only"), claimed_again)
    execution.refresh_from_db()
    assert (execution.status, execution.attempt) == ("completed", 2)
    assert types_of(execution).count("execution.completed") == 1


def test_a_run_that_was_being_started_when_the_stop_came_is_handed_back(begin):
    """It was committed as the pump's own; else it waits for the lease to run out."""

    async def scenario():
        over, pump = asyncio.Event(), Pump(MortalWriter())
        serving = asyncio.create_task(pump.serve(over))
        await until(pump.reserve)
        await sync_to_async(begin)(waits("long", 600))
        (execution,) = await sync_to_async(claim)(pump.owner, 10)
        over.set()
        await asyncio.sleep(0.1)
        pump.take(execution)
        async with asyncio.timeout(20):
            await serving
        return execution

    execution = async_to_sync(scenario)()
    execution.refresh_from_db()
    assert (execution.status, types_of(execution)[-1]) == ("pending", "execution.handed_back")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_pump_that_has_died_can_be_stopped(monkeypatch, settings):
    async def die(pump, stop):
        raise OSError

    monkeypatch.setattr(Pump, "serve", die)
    settings.CHATTER_CHORES = []
    host = PumpThread()
    host.start()
    host._thread.join()
    host.stop()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
def test_nobody_waits_for_a_pump_that_cannot_begin(monkeypatch):
    def no_loop(serving):
        raise OSError("too many open files")

    monkeypatch.setattr(asyncio, "run", no_loop)
    host = PumpThread()
    starting = Thread(target=host.start, daemon=True)
    starting.start()
    starting.join(5)
    assert not starting.is_alive()
    host._thread.join(5)
    assert not host.alive
    host.stop()


def test_a_pump_that_has_left_does_not_say_that_it_lives(monkeypatch):
    """Its last heartbeat was on its way; who believed it would call no other pump."""
    said, begun, gone = [], Event(), Event()

    def lives(*_, **__):
        begun.set()
        gone.wait(0.5)
        said.append("lives")

    def leaves(owner):
        said.append("left")
        gone.set()

    monkeypatch.setattr("workflows.pump.hosts.beat", lives)
    monkeypatch.setattr("workflows.pump.hosts.leave", leaves)
    host = PumpThread()
    beating = Thread(target=host._beat)
    beating.start()
    begun.wait()
    async_to_sync(host._leave)()
    beating.join()
    host._beat()
    assert said == ["lives", "left"]


def test_what_a_pump_leaves_behind_keeps_the_writer_from_nothing_else(begin):
    """Its loop is closed, and what it wrote last is refused: others write on."""
    execution, writer = begin(waits("long", 600)), GroupCommitWriter()

    async def begun():
        run = Run(execution, writer, ExecutionEngine(NODE_TYPES))
        run.begin(lambda _: None)
        return run

    gone = asyncio.run(begun())
    writer.start()
    writer.submit(Unit([], Line((execution.id, 7), gone._on_break)))

    async def heard():
        """Whether another unit is told what became of it; in a test its rows are locked."""
        done, _ = await asyncio.wait([asyncio.create_task(writer.commit(Unit([])))], timeout=15)
        return bool(done and [task.exception() for task in done])

    assert asyncio.run(heard())
    assert writer.alive
    writer.stop()


def test_a_cancel_asked_for_in_another_process_is_heard_over_the_bell(begin, settings, monkeypatch):
    """Not by looking: here the pump looks once an hour."""
    settings.CHATTER_LEASE_S = 36_000.0
    monkeypatch.setattr("workflows.pump.pump._BEAT_S", 3_600.0)
    execution = begin(waits("long", 600))
    rows = WorkflowExecution.objects.filter(pk=execution.pk)

    async def asked_elsewhere(pump):
        hearing = asyncio.create_task(_hear(CANCELS, pump.look_for_cancels, 3_600))
        await sync_to_async(rows.update)(cancel_requested_at=clock.now())
        Doorbell().cancel(execution.pk)
        async with asyncio.timeout(15):
            while pump.running:  # noqa: ASYNC110 - a pump sets no event
                await asyncio.sleep(0.02)
        hearing.cancel()

    stopped(logged("delay.started"), asked_elsewhere)
    assert (rows.get().status, types_of(execution)[-1]) == ("cancelled", "execution.cancelled")
