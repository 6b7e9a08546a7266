"""Chatter, and the wire server it asks, as processes of their own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2
import psycopg

from tests.drills.migrated import copy_migrated, migrated_template

ROOT = Path(__file__).parents[2]
_START_S = 60.0
_COMMAND_S = 120.0


def services_wanted() -> bool:
    """Whether the drills are to run on PostgreSQL and Redis."""
    return os.environ.get("CHATTER_TEST_SERVICES") == "required"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, slots=True)
class Person:
    """A user that `furnish` made."""

    id: str
    token: str
    session: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Token {self.token}"}


class Chatter:
    """`make run` without make: prepare, start, kill and start again on the same data and port.

    `command_s`: how long a command may take.
    """

    command_s = _COMMAND_S

    def __init__(self, home: Path, database_url: str = "", **environment: str) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.people: dict[str, Person] = {}
        self.made: dict[str, Any] = {}
        self._log = (home / "server.log").open("ab")
        self._process: subprocess.Popen[bytes] | None = None
        own = {
            "DJANGO_SETTINGS_MODULE": "chatter_project.settings",
            "CHATTER_DATA_DIR": str(home / "data"),
            "CHATTER_ADMIN_PASSWORD": "correct horse battery",
            "HTTPS": "false",
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "LOG_FORMAT": "json",
            "CHATTER_STOP_S": "0.2",  # shorter than many answers: some are cut
        }
        if database_url:
            own["CHATTER_SECRET_KEY"] = "only-for-drills-" + "x" * 40
            own |= {"DATABASE_URL": database_url, "REDIS_URL": os.environ["REDIS_URL"]}
        self._environment = {**_neutral_environment(), **own, **environment}

    @property
    def ws_url(self) -> str:
        return self.url.replace("http", "ws", 1)

    @property
    def log(self) -> str:
        """What the server has logged so far."""
        return Path(self._log.name).read_text()

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a management command to its end, whatever its exit code."""
        return self._run("manage.py", *arguments)

    def furnish(self, **wanted: Any) -> None:
        """Prepare the installation and add what `tests.drills.furnish` is asked for."""
        self.made = self.ask("tests.drills.furnish", wanted)
        self.people = {name: Person(**one) for name, one in self.made["people"].items()}

    def ask(self, module: str, question: Any = None) -> Any:
        """Run one of the modules beside this one on the server's database; JSON in and out."""
        done = self._run("-m", module, stdin=json.dumps(question))
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def start(self, *, module: str = "") -> None:
        """Return when it answers."""
        self._process = self.spawn(*(["-m", module] if module else ["manage.py", "serve"]))
        deadline = time.monotonic() + _START_S
        while not self._answers():
            assert self._process.poll() is None, f"The server has ended.\n{self.log[-4000:]}"
            assert time.monotonic() < deadline, f"The server does not answer.\n{self.log[-4000:]}"
            time.sleep(0.05)

    def spawn(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Another process of this installation; whoever asks for it ends it."""
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self._environment,
            stdout=self._log,
            stderr=self._log,
        )

    def kill(self) -> None:
        """As `kill -9` does: nothing can be tidied up."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """As Ctrl-C does."""
        self._end(signal.SIGINT)

    def close(self) -> None:
        if self._process is not None:
            self.kill()
        self._log.close()

    def _end(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(_START_S)
        self._process = None

    def _answers(self) -> bool:
        try:
            return httpx2.get(self.url + "/healthz", timeout=2).status_code == 200
        except httpx2.TransportError:
            return False

    def _run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self._environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=self.command_s,
            check=False,
        )


@contextmanager
def chatter(home: Path, **environment: str) -> Iterator[Chatter]:
    """Chatter on a database of its own: SQLite, or PostgreSQL and Redis where those are wanted."""
    with _database() as database_url:
        running = Chatter(home, database_url, **environment)
        if not database_url:
            copy_migrated(home / "data" / "chatter.sqlite3")
        try:
            yield running
        finally:
            running.close()


@contextmanager
def wire(meter: Path) -> Iterator[str]:
    """The wire server as a process that writes its meter to a file; gives its url."""
    command = [sys.executable, "-m", "tests.wire", "--port", "0", "--meter", str(meter)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(running.stdout.readline())}"
        finally:
            running.kill()


@contextmanager
def _database() -> Iterator[str]:
    """The address of a new, migrated PostgreSQL database, dropped after; empty for SQLite."""
    if not services_wanted():
        yield ""
        return
    server = os.environ["DATABASE_URL"]
    name = f"chatter_drill_{uuid4().hex[:12]}"
    maintenance = urlsplit(server)._replace(path="/postgres").geturl()
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {migrated_template(server)}")
    try:
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
    finally:
        with psycopg.connect(maintenance, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _neutral_environment() -> dict[str, str]:
    """The environment without what would change the server under test."""
    ours = ("CHATTER_", "DJANGO_", "OPENAI_", "ANTHROPIC_", "OLLAMA_", "LOGIN_RATE_", "LOG_")
    others = ("DATABASE_URL", "REDIS_URL", "DEBUG", "HOST", "PORT", "ALLOWED_HOSTS")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(ours) and name not in others
    }
    return {**kept, "CHATTER_ENV_FILE": os.devnull}
