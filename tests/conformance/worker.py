"""A worker as the product starts it, on a database of its own that the test uses, too."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection, connections

from core import clock
from tests.conformance.clocks import Clocks
from tests.drills.server import Chatter, chatter
from workflows.models import PumpHost

PATIENCE_S = 60.0
# Beside what its clocks and its tool need: it polls, for a test has nothing that carries its bell.
ENVIRONMENT = {"CHATTER_PUMP": "workers", "CHATTER_POLL_S": "0.05", "CHATTER_PUMPS": "1"}


class Worker:
    """`manage.py work`: whoever guards, its clusters of django-q2, and a pump in one of them."""

    def __init__(self, installation: Chatter, clocks: Clocks) -> None:
        self.clocks = clocks
        self._installation = installation
        self._guard: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        return self._installation.log

    def start(self, **environment: str) -> None:
        """`environment` beside the one it has."""
        self._installation._environment |= environment
        self._guard = self._installation.spawn("manage.py", "work")

    def stop(self) -> None:
        """As by Ctrl-C: what it runs is handed back."""
        assert self._guard is not None
        self._guard.terminate()
        self._guard.wait(PATIENCE_S)

    @contextmanager
    def killed(self) -> Iterator[None]:
        """As by `kill -9`, the process that hosts the pump; who guards it sees that only after."""
        assert self._guard is not None
        self._guard.send_signal(signal.SIGSTOP)
        try:
            hosts = list(PumpHost.objects.values_list("pid", flat=True))
            assert hosts, "There is nobody to be killed."
            for pid in hosts:
                os.kill(pid, signal.SIGKILL)
                _wait_until_gone(pid)
            yield
        finally:
            self._guard.send_signal(signal.SIGCONT)

    def end(self) -> None:
        """What it guards ends by itself."""
        if self._guard is not None:
            self._guard.kill()
            self._guard.wait(PATIENCE_S)


def exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while exists(pid):
        assert time.monotonic() < deadline, f"{pid} does not go."
        time.sleep(0.01)


@contextmanager
def worker_for(home: Path, patch: pytest.MonkeyPatch, **environment: str) -> Iterator[Worker]:
    """Not started yet. The test's own database and clock are the worker's as long as it is there.

    PostgreSQL and Redis where the tests have them, else SQLite.
    """
    if connection.vendor == "postgresql":
        patch.setenv("CHATTER_TEST_SERVICES", "required")
    clocks, now = Clocks(home / "clocks"), clock.now
    patch.setattr(clock, "now", lambda: now() + timedelta(seconds=clocks.wall))
    own = {
        "DJANGO_SETTINGS_MODULE": "tests.conformance.worker_settings",
        "CHATTER_SECRET_KEY": settings.SECRET_KEY,
        "CONFORMANCE_CLOCKS": str(home / "clocks"),
    }
    with chatter(home, **{**ENVIRONMENT, **own, **environment}) as installation:
        worker = Worker(installation, clocks)
        with _database_of(installation, home):
            try:
                yield worker
            finally:
                worker.end()


@contextmanager
def _database_of(installation: Chatter, home: Path) -> Iterator[None]:
    """In place of the one that tests have."""
    before, ours = connections["default"], connections.settings["default"]
    url = installation._environment.get("DATABASE_URL")
    name = urlsplit(url).path.strip("/") if url else str(home / "data" / "chatter.sqlite3")
    options = {key: value for key, value in ours["OPTIONS"].items() if key != "pool"}  # of theirs
    connections.settings["default"] = {**ours, "NAME": name, "OPTIONS": options}
    connections["default"] = connections.create_connection("default")
    try:
        yield
    finally:
        connections["default"].close()
        connections.settings["default"], connections["default"] = ours, before
