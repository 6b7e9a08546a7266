"""PostgreSQL and Redis: those that answer, or some of this machine's programs under a directory."""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
import redis
from psycopg import sql

_START_S = 30.0
_LOOK_S = 2


class Missing(Exception):
    """A program that is needed is not on this machine."""


def postgres_answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=_LOOK_S).close()
    except psycopg.Error:
        return False
    return True


def redis_answers(url: str) -> bool:
    try:
        with redis.Redis.from_url(url, socket_timeout=_LOOK_S) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def kept_secret(path: Path) -> str:
    """Made on first use, readable by its owner only."""
    if not path.exists() or not path.stat().st_size:  # it is new, or the disk was full
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(50))
    return path.read_text()


@contextmanager
def own_postgres(home: Path) -> Iterator[str]:
    """A server with its data in `home`, until the end; gives the address of its database."""
    programs = _postgres_programs()
    owner = _unprivileged()
    data, port = home / "data", free_port()
    password = kept_secret(home.with_name("postgres-password"))
    _give(home, owner)
    if not (data / "PG_VERSION").exists():
        _initialise(programs, data, password, owner)
    place = ["-D", str(data), "-p", str(port)]
    settings = ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
    address = f"postgres://chatter:{password}@127.0.0.1:{port}"
    with _running([programs / "postgres", *place, *settings], home / "log", owner):
        _await("PostgreSQL", lambda: postgres_answers(f"{address}/postgres"), home / "log")
        _create_database(f"{address}/postgres", "chatter")
        yield f"{address}/chatter"


@contextmanager
def own_redis(home: Path) -> Iterator[str]:
    """A server that keeps nothing, until the end; gives its address."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        raise Missing("redis-server is not here. On Debian and Ubuntu: apt install redis-server")
    port, password = free_port(), kept_secret(home.with_name("redis-password"))
    home.mkdir(parents=True, exist_ok=True)
    told = (
        f'bind 127.0.0.1\nport {port}\nrequirepass {password}\nsave ""\nappendonly no\ndir {home}\n'
    )
    address = f"redis://:{password}@127.0.0.1:{port}/0"
    with _running([program, "-"], home / "log", told=told):
        _await("Redis", lambda: redis_answers(address), home / "log")
        yield address


def _postgres_programs() -> Path:
    """Where both `initdb` and `postgres` are; the newest version of several."""
    on_path = shutil.which("initdb")
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    for place in [*places, *([Path(on_path).parent] if on_path else [])]:
        if (place / "initdb").exists() and (place / "postgres").exists():
            return place
    raise Missing("PostgreSQL is not here. On Debian and Ubuntu: apt install postgresql")


def _initialise(programs: Path, data: Path, password: str, owner: int | None) -> None:
    """The password is handed over in a file, for arguments can be seen by everyone."""
    handed = data.with_name("password")
    handed.touch(mode=0o600)
    handed.write_text(password)
    if owner is not None:
        shutil.chown(handed, owner)
    who = ["-D", str(data), "-U", "chatter", f"--pwfile={handed}"]
    options = ["--auth=scram-sha-256", "--encoding=UTF8", "--no-locale"]
    try:
        subprocess.run(
            [programs / "initdb", *who, *options], stdout=subprocess.DEVNULL, check=True, user=owner
        )
    finally:
        handed.unlink()


def _version(place: Path) -> int:
    name = place.parent.name
    return int(name) if name.isdecimal() else 0


def _unprivileged() -> int | None:
    """PostgreSQL does not run as root; None where this process does not either."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_uid
    except KeyError:
        return pwd.getpwnam("nobody").pw_uid


def _give(home: Path, owner: int | None) -> None:
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    if owner is not None:
        shutil.chown(home, owner)


def _create_database(maintenance: str, name: str) -> None:
    with psycopg.connect(maintenance, autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if found.fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


@contextmanager
def _running(
    command: Sequence[str | Path], log: Path, owner: int | None = None, told: str = ""
) -> Iterator[None]:
    """A process out of reach of the terminal's Ctrl-C, ended when those who use it have ended."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,
            user=owner,
        )
    if process.stdin is not None:
        with process.stdin as given:
            given.write(told.encode())
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)  # PostgreSQL would wait for all who are connected
        process.wait(_START_S)


def _await(name: str, answers: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while not answers():
        if time.monotonic() > deadline:
            raise Missing(f"{name} does not answer; {log} says why.")
        time.sleep(0.1)
