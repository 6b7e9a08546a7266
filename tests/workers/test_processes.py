"""Servers and workers as processes: started, overrun, killed, stopped, and nothing is lost."""

import asyncio
import os
import signal
import socket
import subprocess
import time
from collections import Counter

import httpx2
import pytest
from asgiref.sync import async_to_sync

from tests.drills.models import chain, waits
from tests.drills.server import chatter, free_port

pytestmark = pytest.mark.slow

PATIENCE_S = 60.0
_TERMINAL = {"execution.completed", "execution.failed", "execution.cancelled"}
_BEGUN = ("execution.started", "execution.resumed")
GRAPHS = {"short": chain(waits("wait", 0.05)), "long": chain(waits("wait", 2))}

STOPPED_AS_SOON_AS_ITS_PUMP_CLAIMS = """
import os, signal, django
django.setup()
from django.core.management import call_command
from workflows.pump.hosts import PumpThread
start = PumpThread.start
PumpThread.start = lambda pump: (start(pump), os.kill(os.getpid(), signal.SIGTERM))
call_command("serve")
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    environment = {"CHATTER_PUMP": "workers", "CHATTER_LEASE_S": "5", "CHATTER_PUMPS": "2"}
    with chatter(tmp_path_factory.mktemp("workers"), **environment) as running:
        running.furnish(people=["ada"], graphs=GRAPHS)
        running.start()
        yield running


@pytest.fixture(scope="module")
def workers(server):
    """All that were started; the first finds what has waited for it."""
    server.waited_for = begun(server, "short", 40)
    running = [server.spawn("manage.py", "work")]
    yield running
    for one in running:
        if one.poll() is None:
            one.kill()  # what it guards ends by itself


def begun(server, name, count):
    """Executions of a definition, as their ids."""
    definition = server.made["definitions"][name]

    async def start():
        async with httpx2.AsyncClient(base_url=server.url, timeout=PATIENCE_S) as client:
            room = asyncio.Semaphore(8)

            async def one(number):
                async with room:
                    told = await client.post(
                        f"/api/v1/definitions/{definition}/execute/",
                        json={"mode": "background"},
                        headers=server.people["ada"].headers,
                    )
                    assert told.status_code == 202, told.text
                    return told.json()["execution"]["id"]

            return await asyncio.gather(*map(one, range(count)))

    return async_to_sync(start)()


def under_way(server):
    """Whether anything is."""
    ada = server.people["ada"].headers
    for status in ("pending", "running"):
        address = f"{server.url}/api/v1/executions/?status={status}"
        if httpx2.get(address, headers=ada, timeout=PATIENCE_S).json()["results"]:
            return True
    return False


def ended(server, ids):
    """Rows and logs of these, once nothing is under way."""
    deadline = time.monotonic() + PATIENCE_S
    while under_way(server):
        assert time.monotonic() < deadline, server.log[-4000:]
        time.sleep(0.2)
    return left(server, ids)


def left(server, ids):
    found = server.ask("tests.drills.dump")
    return {row["id"]: row for row in found["executions"] if row["id"] in ids}, found["logs"]


def pumps(server, claiming):
    """Who hosts pumps, once there are so many."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        told = httpx2.get(server.url + "/readyz", timeout=PATIENCE_S).json()
        if told["pumps"]["claiming"] == claiming:
            return told
        if time.monotonic() > deadline:
            others = [line for line in server.log.splitlines() if "/readyz" not in line]
            pytest.fail("\n".join([str(told["pumps"]), *others[-40:]]))
        time.sleep(0.1)


def test_two_pumps_share_what_waits_and_none_is_run_by_both(server, workers):
    pumps(server, claiming=2)
    rows, logs = ended(server, set(server.waited_for))
    assert Counter((row["status"], row["attempt"]) for row in rows.values()) == {
        ("completed", 1): 40
    }
    for execution in rows:
        types = Counter(event["type"] for event in logs[execution])
        assert sum(types[one] for one in _BEGUN) == 1


def children(pid):
    told = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True)
    return [int(line) for line in told.stdout.split()]


def test_whatever_is_killed_of_a_worker_another_takes_its_place(server, workers):
    """Every process below one that guards: those that run, those that wait, those that carry."""
    pumps(server, claiming=2)
    ids = begun(server, "long", 20)
    for cluster in children(workers[0].pid):
        for process in children(cluster):
            os.kill(process, signal.SIGKILL)
    rows, logs = ended(server, set(ids))
    assert {row["status"] for row in rows.values()} == {"completed"}
    for execution, row in rows.items():
        types = Counter(event["type"] for event in logs[execution])
        assert 1 <= sum(types[one] for one in _BEGUN) <= row["attempt"]
        assert sum(types[one] for one in _TERMINAL) == 1
        assert [event["seq"] for event in logs[execution]] == list(
            range(1, len(logs[execution]) + 1)
        )
    pumps(server, claiming=2)
    assert workers[0].poll() is None


def test_a_stopped_worker_hands_back_and_one_that_is_started_takes_it_up(server, workers):
    pumps(server, claiming=2)
    ids = begun(server, "long", 20)
    workers[-1].send_signal(signal.SIGTERM)
    assert workers[-1].wait(PATIENCE_S) == 0
    ada = server.people["ada"].headers
    running = httpx2.get(f"{server.url}/api/v1/executions/?status=running", headers=ada)
    assert running.json()["results"] == []
    assert pumps(server, claiming=0)["status"] == "degraded"
    workers.append(server.spawn("manage.py", "work"))
    rows, logs = ended(server, set(ids))
    assert {row["status"] for row in rows.values()} == {"completed"}
    for execution in rows:
        types = Counter(event["type"] for event in logs[execution])
        assert types["execution.handed_back"] == types["execution.resumed"]


def test_a_cluster_that_is_given_up_ends_while_others_beside_it_go_on(server):
    """Else what its pumps run would be killed with it, not handed back."""
    assert server.ask("tests.workers.two_clusters") == {"first": True, "second": False}


def test_a_guard_that_is_killed_leaves_nobody_behind(server, workers):
    pumps(server, claiming=2)
    guard = workers[-1]
    below = below_guard(guard)
    guard.kill()
    guard.wait(PATIENCE_S)
    await_end(below)
    pumps(server, claiming=0)


def test_nor_does_one_that_is_killed_with_those_that_watch_over_its_clusters(server):
    guard = server.spawn("manage.py", "work")
    pumps(server, claiming=2)
    below = below_guard(guard)
    for pid in (*children(guard.pid), guard.pid):
        os.kill(pid, signal.SIGKILL)
    guard.wait(PATIENCE_S)
    await_end(below)


def below_guard(guard):
    below = [pid for cluster in children(guard.pid) for pid in (cluster, *children(cluster))]
    assert len(below) > 4
    return below


def await_end(pids):
    deadline = time.monotonic() + PATIENCE_S
    while any(map(exists, pids)):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def exists(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_while_redis_is_away_one_pump_follows_another(tmp_path):
    """Nobody can be called over the queue, neither at first nor when the time of a pump is over."""
    environment = {"REDIS_URL": f"redis://127.0.0.1:{free_port()}/0", "CHATTER_TENURE_S": "2"}
    with chatter(tmp_path, CHATTER_PUMP="workers", **environment) as alone:
        alone.furnish(people=["ada"], graphs=GRAPHS)
        alone.start()
        worker = alone.spawn("manage.py", "work")
        try:
            pumps(alone, claiming=1)
            pumps(alone, claiming=0)
            rows, _ = ended(alone, set(begun(alone, "short", 5)))
            assert {row["status"] for row in rows.values()} == {"completed"}
        finally:
            worker.terminate()
            assert worker.wait(PATIENCE_S) == 0


def test_a_server_that_is_stopped_before_it_listens_hands_back_what_its_pump_claimed(tmp_path):
    with chatter(tmp_path) as running:
        stopped = running.spawn("-c", STOPPED_AS_SOON_AS_ITS_PUMP_CLAIMS)
        assert stopped.wait(PATIENCE_S) == 0, running.log
        assert "what was running is handed back" in running.log


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_the_address_that_a_server_tells_leads_to_it_over_ipv6(tmp_path):
    with chatter(tmp_path, HOST="::1") as running:
        running.url = f"http://[::1]:{running.port}"
        running.start()
        _, told = running.log.split("Chatter is at ")
        assert httpx2.get(told.split()[0] + "healthz").status_code == 200


def test_a_server_that_cannot_open_its_port_fails_and_says_so(tmp_path):
    with chatter(tmp_path) as second, socket.create_server(("127.0.0.1", second.port)):
        done = second.manage("serve")
    assert done.returncode == 1
    assert f"Port {second.port} on 127.0.0.1 could not be opened." in done.stderr
    assert "Chatter is at" not in done.stdout
