"""Where the rows go: a database of the benchmark's own, gone when it ends."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from psycopg.conninfo import make_conninfo

from bench.autovacuum import vacuumed

_SERVER = os.environ.get("CHATTER_BENCH_POSTGRES", "postgres://postgres@127.0.0.1:5432")
_NAME = "chatter_bench"
NAMES = ("sqlite", "postgres")
LABELS = {"sqlite": "SQLite", "postgres": "PostgreSQL"}


class NotThere(Exception):
    """The database server does not answer."""


@contextmanager
def environment(database: str, kept: str = "") -> Iterator[dict[str, str]]:
    """The environment of a Chatter on a fresh database. Raises NotThere.

    PostgreSQL can keep one under a name: it is made if it is not there, and stays.
    """
    with TemporaryDirectory(prefix="chatter-bench-") as folder:
        if database == "sqlite":
            yield _environment(Path(folder), "")
            return
        if kept:
            _create(kept)
            yield _environment(Path(folder), f"{_SERVER}/{kept}")
            return
        _drop()
        _create(_NAME)
        try:
            with vacuumed(f"{_SERVER}/{_NAME}"):
                yield _environment(Path(folder), f"{_SERVER}/{_NAME}")
        finally:
            _drop()


def _environment(folder: Path, url: str) -> dict[str, str]:
    """Nothing of the caller's own settings, keys or `.env` gets in."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    empty = ("REDIS_URL", "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OLLAMA_HOST", "DEBUG")
    return {
        **kept,
        **dict.fromkeys(empty, ""),
        "DEBUG": "false",
        "HTTPS": "false",
        "LOG_LEVEL": "WARNING",
        "CHATTER_ENV_FILE": os.devnull,
        "CHATTER_PUMP": "server",
        "CHATTER_DATA_DIR": str(folder),
        "CHATTER_SECRET_KEY": "only-for-the-benchmark-0123456789-0123456789-0123456789",
        "DATABASE_URL": url or f"sqlite:///{folder / 'chatter.sqlite3'}",
        "ALLOWED_HOSTS": "127.0.0.1",
    }


def _create(name: str) -> None:
    with _server() as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if not found.fetchone():
            connection.execute(f"CREATE DATABASE {name}")


def _drop() -> None:
    with _server() as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {_NAME} WITH (FORCE)")


def _server() -> psycopg.Connection:
    try:
        return psycopg.connect(
            make_conninfo(f"{_SERVER}/postgres", connect_timeout=3), autocommit=True
        )
    except psycopg.OperationalError as error:
        raise NotThere(str(error).splitlines()[0]) from error
