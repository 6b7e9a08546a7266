"""The installation under a drill: one server, or web servers and workers."""

import os
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import httpx2

from drills.services import Postgres, Redis, small_disk, until
from tests.drills.migrated import copy_migrated
from tests.drills.server import ROOT, Chatter, free_port, wire

PROFILES = ("embedded", "production")
LEASE_S = 5.0
_WEBS, _WORKERS = 2, 2
_PATIENCE_S = 60.0


def descendants(pid: int) -> list[int]:
    """All that this process has started, and those have, whatever session they are in."""
    told = subprocess.run(
        ["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    )
    children = defaultdict[int, list[int]](list)
    for line in told.stdout.splitlines():
        child, parent = map(int, line.split())
        children[parent].append(child)
    found = [pid]
    for one in found:
        found += children[one]
    return found[1:]


@dataclass(slots=True)
class Process:
    """One process of the site, started with `command`; `url` where it answers HTTP."""

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    url: str = ""
    _running: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._running = subprocess.Popen(
                [sys.executable, *self.command],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        assert self._running
        return self._running.pid

    def children(self) -> list[int]:
        told = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.pid)],
            capture_output=True,
            text=True,
            check=False,
        )
        return sorted(map(int, told.stdout.split()))

    def kill(self) -> None:
        """With all that it started, as a machine that loses power."""
        if self._running is not None:
            self._send(signal.SIGKILL)
            self._running.wait(_PATIENCE_S)
            self._running = None

    def kill_alone(self) -> None:
        """It, and nothing that it started."""
        if self._running is not None:
            self._running.kill()
            self._running.wait(_PATIENCE_S)
            self._running = None

    def freeze(self) -> None:
        """With all that it started, as a machine that is paused."""
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        self._send(signal.SIGCONT)

    def stop(self) -> None:
        """As a service manager does, with one SIGTERM."""
        if self._running is not None:
            self._running.terminate()
            self._running.wait(_PATIENCE_S)
            self._running = None

    def _send(self, number: signal.Signals) -> None:
        if self._running is not None:
            for pid in [self._running.pid, *descendants(self._running.pid)]:
                with suppress(ProcessLookupError):
                    os.kill(pid, number)


class Site(Chatter):
    """Its own database, provider, web servers and workers; on `embedded` one server is all.

    `environment` is that of every process. With `disk_mib` the database has a file system of its
    own, at `disk`. Raises Missing.
    """

    def __init__(
        self, home: Path, profile: str, environment: Mapping[str, str], disk_mib: int = 0
    ) -> None:
        self._held = ExitStack()
        self.profile, self.home, self.disk = profile, home, home / "disk"
        self.meter = home / "meter.jsonl"
        self.postgres: Postgres | None = None
        self.redis: Redis | None = None
        self.webs: list[Process] = []
        self.workers: list[Process] = []
        self.disk.mkdir(parents=True)
        home.chmod(0o711)
        with ExitStack() as held:
            if disk_mib:
                held.enter_context(small_disk(self.disk, disk_mib))
            provider = held.enter_context(wire(self.meter))
            own = {
                "OPENAI_API_KEY": "sk-drill-0123456789",
                "OPENAI_BASE_URL": f"{provider}/v1",
                "CHATTER_DATA_DIR": str(self.disk / "data"),
                "CHATTER_LEASE_S": str(LEASE_S),
                "LOG_LEVEL": "INFO",
                **environment,
            }
            if profile == "production":
                self.postgres = held.enter_context(Postgres(self.disk / "postgres"))
                self.redis = held.enter_context(Redis(home / "redis"))
                os.environ["REDIS_URL"] = self.redis.url
                super().__init__(
                    home, self.postgres.create("chatter"), CHATTER_PUMP="workers", **own
                )
                self.workers = [self._worker(home, number) for number in range(_WORKERS)]
            else:
                super().__init__(home, **own)
                copy_migrated(self.disk / "data" / "chatter.sqlite3")
            self.webs = [self._web(home, number) for number in range(_WEBS if self.postgres else 1)]
            self.url = self.webs[0].url
            self._held = held.pop_all()

    @property
    def pumps(self) -> list[Process]:
        """The processes that run executions."""
        return self.workers or self.webs

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in [*self.workers, *self.webs]:
            process.thaw()
            process.kill()
        self.close()
        self._held.close()

    def start_all(self) -> None:
        for process in [*self.webs, *self.workers]:
            process.start()
        for web in self.webs:
            self.until_answers(web)
        until(lambda: _claiming(self.url) >= len(self.pumps), "Too few pumps claim.")

    def until_answers(self, web: Process) -> None:
        until(lambda: _answers(web.url), f"{web.name} does not answer; see {web.log}.")

    def _web(self, home: Path, number: int) -> Process:
        port = str(free_port())
        environment = {**self._environment, "PORT": port}
        command, name = ["manage.py", "serve"], f"web{number}"
        return Process(name, command, environment, home / f"{name}.log", f"http://127.0.0.1:{port}")

    def _worker(self, home: Path, number: int) -> Process:
        name = f"worker{number}"
        return Process(name, ["manage.py", "work"], {**self._environment}, home / f"{name}.log")


def _answers(url: str) -> bool:
    try:
        return httpx2.get(url + "/healthz", timeout=2).status_code == 200
    except httpx2.TransportError:
        return False


def _claiming(url: str) -> int:
    return int(httpx2.get(url + "/readyz", timeout=20).json()["pumps"]["claiming"])
