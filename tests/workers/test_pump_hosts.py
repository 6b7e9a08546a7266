"""Who hosts pumps says so, and is believed only for as long as it does."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier, Event
from typing import ClassVar

import pytest
from asgiref.sync import async_to_sync
from django.db import connection

from core import clock
from core.database import database
from tests.workers.backlog import held_by
from workflows.models import PumpHost, WorkflowExecution
from workflows.pump.guarding import bury_dead
from workflows.pump.presence import beat, bury, leave, pump_figures, somebody_claims, take_place
from workflows.pump.pump import Pump
from workflows.pump.queue import queue_now
from workflows.tracking.facts import Fact, Unit
from workflows.tracking.leases import claim, renew
from workflows.tracking.writer import writer

CLUSTER = "here:1"


def says_nothing_for(owner: str, leases: float, settings) -> None:
    at = clock.now() - timedelta(seconds=settings.CHATTER_LEASE_S * leases)
    PumpHost.objects.filter(owner=owner).update(beat_at=at)


def test_a_cluster_hosts_no_more_pumps_than_it_should(db):
    assert take_place("one", CLUSTER, 1)
    assert not take_place("two", CLUSTER, 1)
    assert take_place("elsewhere", "there:1", 1)
    beat("one", CLUSTER, claiming=False, running=7)
    assert take_place("two", CLUSTER, 1)


# Each has a connection of its own, and sees only what is committed.
@pytest.mark.django_db(transaction=True)
@pytest.mark.services
def test_of_pumps_that_begin_at_one_instant_no_more_claim_than_should(production_profile):
    def begins(owner):
        try:
            together.wait()
            return take_place(owner, CLUSTER, 2)
        finally:
            connection.close()

    for _ in range(20):
        PumpHost.objects.all().delete()
        together = Barrier(4)
        with ThreadPoolExecutor(4) as pool:
            assert sum(pool.map(begins, "abcd")) == 2
        assert PumpHost.objects.claiming().count() == 2


def test_one_that_says_nothing_for_the_time_of_a_lease_has_lost_its_place(db, settings):
    assert take_place("one", CLUSTER, 1)
    says_nothing_for("one", 1.1, settings)
    assert take_place("two", CLUSTER, 1)


def test_a_pump_that_died_while_the_clock_was_ahead_is_not_taken_for_alive(db):
    beat("ahead", CLUSTER, claiming=True, running=1)
    PumpHost.objects.update(beat_at=clock.now() + timedelta(hours=1))
    assert not somebody_claims()
    assert (pump_figures()["alive"], pump_figures()["beat_s_ago"]) == (0, None)


def test_a_pump_whose_host_has_a_wrong_clock_lives(db, monkeypatch):
    wrong = datetime.now(UTC) - timedelta(hours=1)
    monkeypatch.setattr(clock, "now", lambda: wrong)
    beat("behind", CLUSTER, claiming=True, running=1)
    monkeypatch.undo()
    assert somebody_claims()


def test_a_lease_that_was_given_while_the_clock_was_ahead_is_over(built_in, alice):
    execution = held_by("ahead", alice)
    assert claim("other", 10) == []
    then = clock.now() + timedelta(hours=1)
    WorkflowExecution.objects.update(lease_expires_at=then)
    assert queue_now()["expired"] == 1
    assert [one.pk for one in claim("other", 10)] == [execution.pk]


def test_a_pump_that_gives_much_longer_leases_keeps_what_it_runs(built_in, alice, settings):
    beat("patient", CLUSTER, claiming=True, running=1)
    own = settings.CHATTER_LEASE_S
    settings.CHATTER_LEASE_S = 20 * own
    held_by("patient", alice)
    settings.CHATTER_LEASE_S = own
    assert queue_now()["expired"] == 0
    assert claim("other", 10) == []


def test_what_a_dead_process_ran_is_taken_up_without_waiting_for_its_lease(built_in, alice):
    execution = held_by("dead", alice)
    assert claim("other", 10) == []
    beat("dead", CLUSTER, claiming=True, running=1)
    PumpHost.objects.update(pid=2**22 + 1)  # no process has this number
    bury_dead([CLUSTER])
    assert [one.pk for one in claim("other", 10)] == [execution.pk]
    assert not PumpHost.objects.exists()


@pytest.mark.parametrize("buried", [True, False])
def test_what_was_taken_up_often_is_taken_up_again_each_at_its_own_time(
    built_in, alice, settings, buried
):
    """All that ran where one run killed its process were given up with it, after as many deaths."""
    often = [held_by("lost", alice, attempt=9) for _ in range(20)]
    seldom = [held_by("lost", alice), held_by("lost", alice, attempt=9, pauses=8)]
    running = {one.pk: one.attempt for one in [*often, *seldom]}
    assert renew("lost", running) == (set(), set())
    if buried:
        bury(["lost"])
        assert {one.pk for one in claim("other", 50)} == {one.pk for one in seldom}
    ends = list(WorkflowExecution.objects.filter(lease_owner="lost", attempt=9, pauses=0))
    apart = sorted({one.lease_expires_at for one in ends})
    assert len(apart) == len(often)
    assert apart[-1] - apart[0] > timedelta(seconds=settings.CHATTER_LEASE_S / 2)
    assert apart[-1] < clock.now() + timedelta(seconds=settings.CHATTER_LEASE_S * 3)


def test_taken_up_for_the_sixth_time_it_has_a_time_of_its_own(built_in, alice, settings):
    ended = clock.now() - timedelta(hours=1)
    held = [held_by("lost", alice, attempt=5) for _ in range(20)]
    WorkflowExecution.objects.update(lease_expires_at=ended)
    assert len(claim("other", 50)) == len(held)
    apart = {one.lease_expires_at for one in WorkflowExecution.objects.filter(attempt=6)}
    assert max(apart) - min(apart) > timedelta(seconds=settings.CHATTER_LEASE_S / 2)


def test_a_process_that_others_guard_is_not_taken_for_dead(built_in, alice):
    held_by("far", alice)
    beat("far", "there:1", claiming=True, running=1)
    PumpHost.objects.update(pid=2**22 + 1)
    bury_dead([CLUSTER])
    assert PumpHost.objects.exists()
    assert claim("other", 10) == []


def test_those_that_ended_without_a_word_are_forgotten_in_the_end(db, settings):
    for owner in ("old", "late", "gone"):
        beat(owner, CLUSTER, claiming=True, running=0)
    says_nothing_for("old", 100, settings)
    says_nothing_for("late", 10, settings)
    leave("gone")
    assert set(PumpHost.objects.values_list("owner", flat=True)) == {"late"}


@pytest.fixture
def server_beside_workers(settings):
    settings.CHATTER_PUMP = "workers"
    writer.start()
    yield
    writer.stop()


def test_a_server_without_workers_is_degraded_and_says_so(
    db, client, server_beside_workers, settings
):
    told = client.get("/readyz")
    assert (told.status_code, told.json()["status"]) == (200, "degraded")
    beat("one", CLUSTER, claiming=True, running=3)
    told = client.get("/readyz").json()
    assert told["status"] == "ok"
    assert told["pumps"] | {"beat_s_ago": 0} == {
        "alive": 1, "claiming": 1, "running": 3, "writer_lag_s": 0.0, "beat_s_ago": 0,
    }  # fmt: skip
    says_nothing_for("one", 2, settings)
    told = client.get("/readyz").json()
    assert (told["status"], told["pumps"]["alive"]) == ("degraded", 0)
    assert told["pumps"]["beat_s_ago"] >= settings.CHATTER_LEASE_S


def test_the_back_office_shows_pumps_and_the_queue_and_changes_neither(admin, client):
    client.force_login(admin)
    beat("one", CLUSTER, claiming=True, running=3)
    page = client.get("/admin/workflows/pumphost/")
    assert (page.status_code, b"one" in page.content) == (200, True)
    for table in ("schedule", "ormq", "success", "failure"):
        shown = client.get(f"/admin/django_q/{table}/")
        assert shown.status_code in (200, 404), table  # a queue in Redis has no page
        assert client.get(f"/admin/django_q/{table}/add/").status_code in (403, 404), table
        assert b"resubmit" not in shown.content.lower()


class Held(Fact):
    """A write that the database does not answer."""

    rank = 0
    answered = Event()

    @classmethod
    def write(cls, facts):
        cls.answered.wait(20)


@pytest.mark.django_db(transaction=True)  # the writer has a thread, and a connection, of its own
def test_a_server_whose_writer_gets_no_answer_fails_its_health_check_until_it_does(
    client, server_beside_workers, settings
):
    settings.CHATTER_LEASE_S = 0.05
    assert client.get("/healthz").status_code == 200
    writer.submit(Unit([Held()]))
    until(lambda: client.get("/healthz").status_code == 503)
    Held.answered.set()
    until(lambda: client.get("/healthz").status_code == 200)


def test_a_pump_lives_while_the_database_says_nothing(db, monkeypatch, settings):
    async def says_nothing(*_):
        await asyncio.Event().wait()

    async def beats(pump):
        serving = asyncio.create_task(pump.serve(asyncio.Event()))
        at_first = pump.beat_at
        async with asyncio.timeout(20):
            while pump.beat_at == at_first:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)
        serving.cancel()

    monkeypatch.setattr(database, "run", says_nothing)
    settings.CHATTER_LEASE_S = 0.04
    async_to_sync(beats)(Pump(writer))


def until(holds):
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_writer_that_is_held_up_says_how_far_it_is_behind(api, admin):
    def told():
        system = api(admin).get("/api/v1/analytics/system/").json()
        return system["process"]["writer_lag_s"], system["pumps"]["writer_lag_s"]

    class Held(Fact):
        rank = 1
        seen: ClassVar[list[tuple[float, float]]] = []

        @classmethod
        def write(cls, facts):
            time.sleep(0.01)
            beat("one", CLUSTER, claiming=True, running=0)
            cls.seen.append(told())

    async_to_sync(writer.commit)(Unit([Held()]))
    ((here, of_pumps),) = Held.seen
    assert here >= of_pumps > 0
    beat("one", CLUSTER, claiming=True, running=0)
    assert told() == (0, 0)
