"""A PostgreSQL and a Redis of the drill's own, which may be stopped, emptied and started again."""

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, LiteralString, Self

import psycopg
import redis

from tests.drills.server import free_port

_PATIENCE_S = 60.0


class Missing(Exception):
    """A program that a drill needs is not on this machine."""


@contextmanager
def small_disk(at: Path, mib: int) -> Iterator[None]:
    """A file system of so many MiB in memory, mounted there. Raises Missing if not allowed to."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={mib}m,mode=755", "tmpfs", str(at)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        raise Missing("leave to mount a small disk")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(at)], check=True)


class Postgres:
    """A cluster below `home`, on a port of its own; whoever is on this machine is let in."""

    def __init__(self, home: Path) -> None:
        self._programs = _newest_programs()
        self._data, self._log = home / "data", home / "log"
        self._port = free_port()
        home.mkdir(parents=True)
        if _as_root():
            shutil.chown(home, "postgres")
        initdb = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync"]
        self._run("initdb", f"--pgdata={self._data}", *initdb)
        self.start()

    def url(self, name: str) -> str:
        return f"postgres://postgres@127.0.0.1:{self._port}/{name}"

    def create(self, name: str) -> str:
        """A new database; gives its url."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._runs():
            self.kill()

    def rows(self, query: LiteralString) -> list[tuple[Any, ...]]:
        """What the installation's own database answers."""
        with psycopg.connect(self.url("chatter")) as connection:
            return connection.execute(query).fetchall()

    def start(self) -> None:
        options = f"-p {self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
        options += " -c max_connections=200"
        self._control("start", f"--log={self._log}", f"--options={options}")

    def stop(self) -> None:
        """As a machine does that is switched off in order: sessions are cut."""
        self._control("stop", "--mode=fast")

    def kill(self) -> None:
        self._control("stop", "--mode=immediate")

    def revive(self) -> None:
        """Start it if it has ended, as a service manager does; return when it answers."""
        until(self._is_back, "PostgreSQL does not come back.")

    def _is_back(self) -> bool:
        if not self._runs():
            with suppress(RuntimeError):  # not yet
                self.start()
        return self._answers()

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _runs(self) -> bool:
        return self._called("pg_ctl", f"--pgdata={self._data}", "status") == 0

    def _control(self, *arguments: str) -> None:
        self._run("pg_ctl", f"--pgdata={self._data}", "--silent", "--wait", *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        if code := self._called(program, *arguments):
            raise RuntimeError(f"{program} ended with {code}:\n{self._told()}")

    def _called(self, program: str, *arguments: str) -> int:
        command = [str(self._programs / program), *arguments]
        if _as_root():
            command = ["runuser", "-u", "postgres", "--", *command]
        return subprocess.run(
            command, check=False, cwd="/", stdout=subprocess.DEVNULL, timeout=_PATIENCE_S
        ).returncode

    def _told(self) -> str:
        return self._log.read_text()[-2000:] if self._log.exists() else ""


class Redis:
    """A server that keeps nothing on disk, on a port of its own."""

    def __init__(self, home: Path) -> None:
        if shutil.which("redis-server") is None:
            raise Missing("redis-server")
        home.mkdir(parents=True)
        self._home, self._port = home, free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        quiet = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(
            ["redis-server", "--port", str(self._port), "--dir", str(self._home), *quiet],
            stdout=subprocess.DEVNULL,
        )
        until(self._answers, "Redis does not start.")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(_PATIENCE_S)
            self._process = None

    def flush(self) -> None:
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url) as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False


def until(holds: Callable[[], bool], or_else: str) -> None:
    """Wait for it. Raises TimeoutError with these words after a minute."""
    deadline = time.monotonic() + _PATIENCE_S
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(or_else)
        time.sleep(0.05)


def _newest_programs() -> Path:
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda one: int(one.parts[-3])
    )
    here = str(found[-1]) if found else shutil.which("initdb")
    if here is None:
        raise Missing("initdb of PostgreSQL")
    return Path(here).parent


def _as_root() -> bool:
    return os.geteuid() == 0 and "postgres" in {one.pw_name for one in pwd.getpwall()}
