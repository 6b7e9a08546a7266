"""The installation under a drill: one server, or web servers and workers."""

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import httpx2

from drills.services import Postgres, Redis
from tests.drills.server import ROOT, Chatter, free_port, wire

PROFILES = ("embedded", "production")
LEASE_S = 5.0
_WEBS, _WORKERS = 2, 2
_PATIENCE_S = 60.0


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

    def signal(self, number: signal.Signals) -> None:
        if self._running is not None:
            self._running.send_signal(number)

    def kill(self) -> None:
        """With all that it started, as a machine that loses power."""
        if self._running is not None:
            os.killpg(self._running.pid, signal.SIGKILL)
            self._running.wait(_PATIENCE_S)
            self._running = None

    def freeze(self) -> None:
        if self._running is not None:
            os.killpg(self._running.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        if self._running is not None:
            os.killpg(self._running.pid, signal.SIGCONT)

    def stop(self) -> None:
        """As a service manager does, with one SIGTERM."""
        if self._running is not None:
            self._running.terminate()
            self._running.wait(_PATIENCE_S)
            self._running = None


class Site(Chatter):
    """Its own database, provider, web servers and workers; on `embedded` one server is all."""

    def __init__(self, home: Path, profile: str) -> None:
        self._held = ExitStack()
        self.profile, self.meter = profile, home / "meter.jsonl"
        self.postgres: Postgres | None = None
        self.redis: Redis | None = None
        home.mkdir(parents=True)
        home.chmod(0o711)
        provider = self._held.enter_context(wire(self.meter))
        environment = {
            "OPENAI_API_KEY": "sk-drill-0123456789",
            "OPENAI_BASE_URL": f"{provider}/v1",
            "CHATTER_LEASE_S": str(LEASE_S),
            "LOG_LEVEL": "INFO",
        }
        if profile == "production":
            self.postgres, self.redis = Postgres(home / "postgres"), Redis(home / "redis")
            os.environ["REDIS_URL"] = self.redis.url
            super().__init__(
                home, self.postgres.create("chatter"), CHATTER_PUMP="workers", **environment
            )
        else:
            super().__init__(home, **environment)
        self.webs = [self._web(home, number) for number in range(_WEBS if self.postgres else 1)]
        self.url = self.webs[0].url
        self.workers = [self._worker(home, number) for number in range(_WORKERS)]
        if not self.postgres:
            self.workers = []

    @property
    def pumps(self) -> list[Process]:
        """The processes that run executions."""
        return self.workers or self.webs

    def __enter__(self) -> Self:
        done = self.manage("prepare")
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)
        return self

    def __exit__(self, *_: object) -> None:
        for process in [*self.workers, *self.webs]:
            process.thaw()
            process.kill()
        self.close()
        if self.redis:
            self.redis.stop()
        if self.postgres:
            self.postgres.kill()
        self._held.close()

    def start_all(self) -> None:
        for process in [*self.webs, *self.workers]:
            process.start()
        for web in self.webs:
            self.until_answers(web)

    def until_answers(self, web: Process) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while not _answers(web.url):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{web.name} does not answer:\n{web.log.read_text()[-3000:]}")
            time.sleep(0.05)

    def _web(self, home: Path, number: int) -> Process:
        port = str(free_port())
        environment = {**self._environment, "PORT": port}
        command, name = ["manage.py", "serve"], f"web{number}"
        return Process(name, command, environment, home / f"{name}.log", f"http://127.0.0.1:{port}")

    def _worker(self, home: Path, number: int) -> Process:
        name = f"worker{number}"
        return Process(name, ["manage.py", "work"], self._environment, home / f"{name}.log")


def _answers(url: str) -> bool:
    try:
        return httpx2.get(url + "/healthz", timeout=2).status_code == 200
    except httpx2.TransportError:
        return False
