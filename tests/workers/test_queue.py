"""The queue of django-q2 carries doorbells, and may do with them what it likes."""

import os
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from threading import Barrier

import pytest
from django.db import connection
from django_q.brokers import get_broker
from django_q.conf import Conf

from core import clock
from core.jobs import enqueue_once
from tests.workers.backlog import wait_in_line
from workflows.models import PumpHost, WorkflowExecution
from workflows.pump.doorbell import HOST_A_PUMP, Doorbell, doorbell
from workflows.pump.presence import beat
from workflows.pump.pump import Pump
from workflows.tasks import host_pump
from workflows.tracking.writer import writer

CHAT = "/api/v1/chat/"


@pytest.fixture
def queue(db, settings):
    """That of the doorbells, whichever broker keeps it."""
    settings.CHATTER_PUMP = "workers"
    broker = get_broker(settings.CHATTER_PUMPS_QUEUE)
    broker.purge_queue()
    yield broker
    broker.purge_queue()


def test_a_hundred_starts_leave_one_doorbell(queue, built_in, client, alice):
    client.force_login(alice)
    for _ in range(20):
        body = {"message": "hello", "mode": "background"}
        assert client.post(CHAT, body, content_type="application/json").status_code == 202
    assert queue.queue_size() == 1
    for _ in range(80):
        Doorbell().ring()
    assert queue.queue_size() == 1


def test_where_a_pump_is_known_to_live_no_doorbell_is_put_into_the_queue(queue):
    beat("one", "here:1", claiming=True, running=0)
    Doorbell().ring()
    assert queue.queue_size() == 0
    PumpHost.objects.update(claiming=False)
    Doorbell().ring()
    assert queue.queue_size() == 1


def test_a_start_where_a_pump_retires_is_for_others(queue, monkeypatch, built_in, client, alice):
    """As when a run of its last minutes starts another."""
    pump = Pump(writer)
    pump.retire()
    monkeypatch.setattr(doorbell, "pump", pump)
    monkeypatch.setattr(doorbell, "_sure_until", 0.0)
    client.force_login(alice)
    body = {"message": "hello", "mode": "background"}
    assert client.post(CHAT, body, content_type="application/json").status_code == 202
    assert queue.queue_size() == 1


class _Leaving(Pump):
    """Its thread has the turn, and ends, whenever somebody asks it something."""

    @property
    def claiming(self):
        doorbell.pump = None
        return True

    def reserve(self):
        doorbell.pump = None
        return False


def test_a_start_while_the_pump_leaves_fails_for_nobody(monkeypatch, built_in, client, alice):
    monkeypatch.setattr(doorbell, "pump", _Leaving(writer))
    client.force_login(alice)
    body = {"message": "hello", "mode": "background"}
    assert client.post(CHAT, body, content_type="application/json").status_code == 202
    monkeypatch.setattr(doorbell, "pump", _Leaving(writer))
    assert doorbell.hint()


def test_a_doorbell_that_a_dead_cluster_has_taken_is_rung_again(queue):
    Doorbell().ring()
    assert queue.dequeue()  # and its cluster dies: the queue hides it for `retry`, or has lost it
    assert queue.queue_size() == 0
    Doorbell().ring()
    assert queue.queue_size() == 1


def test_a_doorbell_that_is_lost_loses_nothing(queue, built_in, alice, drain):
    wait_in_line([alice])
    Doorbell().ring()
    queue.purge_queue()
    drain()
    assert WorkflowExecution.objects.filter(status="pending").count() == 0


def test_a_doorbell_delivered_twice_finds_that_a_pump_is_hosted(db, monkeypatch):
    membership = "here:1"
    monkeypatch.setattr("workflows.pump.tenure.membership.name", membership)
    beat("one", membership, claiming=True, running=0)
    host_pump()
    assert list(PumpHost.objects.values_list("owner", flat=True)) == ["one"]


def test_a_broker_that_is_away_keeps_nobody_from_starting(queue, monkeypatch):
    def away(queue):
        raise ConnectionError("no broker")

    monkeypatch.setattr("core.jobs.get_broker", away)
    Doorbell().ring()
    with pytest.raises(ConnectionError):
        enqueue_once(HOST_A_PUMP, "pumps")


@pytest.fixture
def away(settings, monkeypatch):
    """A broker that refuses connections, and threads that are interrupted at every step."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"redis://127.0.0.1:{taken.getsockname()[1]}"
    settings.REDIS_URL = address
    monkeypatch.setattr(Conf, "ORM", None)
    monkeypatch.setattr(Conf, "REDIS", address)
    seldom = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(seldom)


@pytest.fixture
def hanging(queue, monkeypatch, settings):
    """A broker that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"redis://127.0.0.1:{silent.getsockname()[1]}?socket_timeout=5"
        settings.REDIS_URL = address
        monkeypatch.setattr(Conf, "ORM", None)
        monkeypatch.setattr(Conf, "REDIS", address)
        monkeypatch.setattr(doorbell, "_sure_until", 0.0)
        yield
    for thread in threading.enumerate():
        if thread.name == "doorbell":
            thread.join()


def test_a_broker_that_hangs_keeps_nobody_waiting(hanging, built_in, client, alice):
    client.force_login(alice)
    body = {"message": "hello", "mode": "background"}
    for most_s in (1, 0.5):
        began = time.monotonic()
        assert client.post(CHAT, body, content_type="application/json").status_code == 202
        assert time.monotonic() - began < most_s
        doorbell._sure_until = 0.0


def test_many_who_start_at_once_find_a_broker_away_and_none_fails(away, monkeypatch):
    """The first requests of a server come at once, each in a thread of its own."""
    monkeypatch.setattr("workflows.pump.doorbell.somebody_claims", lambda: False)
    with ThreadPoolExecutor(8) as pool:
        for _ in range(50):
            shared, together = Doorbell(), Barrier(8)

            def start(shared=shared, together=together):
                together.wait()
                shared.see()

            for one in [pool.submit(start) for _ in range(8)]:
                one.result()


def test_no_task_outlives_the_time_after_which_it_is_delivered_again(settings):
    numbers = settings.Q_CLUSTER
    tenure_s = settings.CHATTER_TENURE_S + settings.CHATTER_RETIRE_S + settings.CHATTER_STOP_S
    assert numbers["timeout"] > tenure_s
    # The clock of `retry` starts when a task is fetched: it may lie behind two that run first.
    assert numbers["retry"] > numbers["timeout"] * (numbers["queue_limit"] + 2)
    assert numbers["ack_failures"]
    assert numbers["max_attempts"] == 1
    assert settings.CHATTER_PUMPS_QUEUE in numbers["ALT_CLUSTERS"]


@pytest.mark.parametrize(
    ("command", "pooled"),
    [("serve", True), ("work", False), ("qcluster", False), ("prepare", False)],
)
def test_only_servers_keep_a_pool_of_connections(command, pooled, monkeypatch, settings):
    monkeypatch.setattr(sys, "argv", ["manage.py", command])
    monkeypatch.setenv("DATABASE_URL", "postgres://chatter@127.0.0.1/chatter")
    assert ("pool" in options_of_database(settings)) is pooled


@pytest.mark.parametrize("command", ["serve", "work"])
def test_what_the_address_of_the_database_asks_for_is_done(command, monkeypatch, settings):
    monkeypatch.setattr(sys, "argv", ["manage.py", command])
    address = "postgres://chatter@127.0.0.1/chatter?sslmode=verify-full&sslrootcert=ca.pem"
    monkeypatch.setenv("DATABASE_URL", address)
    options = options_of_database(settings)
    assert (options["sslmode"], options["sslrootcert"]) == ("verify-full", "ca.pem")


@pytest.mark.services
def test_a_database_that_is_gone_without_a_word_is_not_waited_for_longer_than_half_a_minute(
    production_profile, db
):
    connection.ensure_connection()
    with socket.socket(fileno=os.dup(connection.connection.fileno())) as wire:

        def told(name: str) -> int:
            return wire.getsockopt(socket.IPPROTO_TCP, getattr(socket, f"TCP_{name}"))

        assert 0 < told("USER_TIMEOUT") <= 30_000  # while it is asked
        assert told("KEEPIDLE") + told("KEEPINTVL") * told("KEEPCNT") <= 30  # while it works


def test_how_long_a_database_is_waited_for_may_be_said(monkeypatch, settings):
    address = "postgres://chatter@127.0.0.1/chatter?tcp_user_timeout=5000"
    monkeypatch.setenv("DATABASE_URL", address)
    options = options_of_database(settings)
    assert (int(options["tcp_user_timeout"]), options["keepalives_idle"]) == (5_000, 10)


def options_of_database(settings):
    """As settings are read anew."""
    path = Path(settings.BASE_DIR) / "chatter_project" / "settings.py"
    spec = spec_from_file_location("read_anew", path)
    assert spec
    assert spec.loader
    read = module_from_spec(spec)
    spec.loader.exec_module(read)
    return read.DATABASES["default"]["OPTIONS"]


def test_a_pump_that_is_silent_counts_for_nothing(queue, settings):
    beat("one", "here:1", claiming=True, running=0)
    silent_since = clock.now() - timedelta(seconds=2 * settings.CHATTER_LEASE_S)
    PumpHost.objects.update(beat_at=silent_since)
    Doorbell().ring()
    assert queue.queue_size() == 1
