"""On SQLite threads of one process write one after the other, and none is forgotten."""

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path
from threading import Event

import pytest
from django.db import OperationalError, connections
from django.db.utils import ConnectionHandler

from core.sqlite.base import DatabaseWrapper, transactions_that_read

pytestmark = pytest.mark.django_db
SOON_S = 20.0


@pytest.fixture
def file(tmp_path: Path) -> dict[str, object]:
    if connections["default"].vendor != "sqlite":
        pytest.skip("On PostgreSQL writers wait for rows, not for each other.")
    settings = deepcopy(connections.databases["default"])
    return {**settings, "NAME": str(tmp_path / "meeting.sqlite3")}


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(3) as pool:
        yield pool


def opened(settings: dict[str, object]) -> DatabaseWrapper:
    connection = ConnectionHandler({"default": settings})["default"]
    assert isinstance(connection, DatabaseWrapper)
    return connection


def add(settings: dict[str, object], number: int, begun: Event | None = None) -> None:
    connection = opened(settings)
    try:
        connection.cursor().execute("PRAGMA busy_timeout = 0")  # SQLite itself waits for nobody
        connection.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
        if begun is not None:
            begun.set()
        connection.cursor().execute("INSERT INTO met VALUES (%s)", [number])
        connection.commit()
    finally:
        connection.close()


def test_what_is_in_the_file_its_owner_alone_may_read(file):
    usual = os.umask(0o022)
    try:
        connection = opened(file)
        connection.cursor().execute("CREATE TABLE met (number INTEGER)")
    finally:
        os.umask(usual)
    made = {path.name: path.stat().st_mode & 0o777 for path in Path(file["NAME"]).parent.iterdir()}
    assert made == {f"meeting.sqlite3{end}": 0o600 for end in ("", "-wal", "-shm")}
    connection.close()


def test_whoever_waits_goes_on_as_soon_as_the_other_is_through(file, threads):
    first = opened(file)
    first.cursor().execute("CREATE TABLE met (number INTEGER)")
    first.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
    begun = Event()
    waits: Future[None] = threads.submit(add, file, 1, begun)
    assert not begun.wait(0.2)
    first.cursor().execute("INSERT INTO met VALUES (0)")
    first.commit()
    waits.result(SOON_S)
    first.set_autocommit(True)
    assert [row[0] for row in first.cursor().execute("SELECT number FROM met")] == [0, 1]
    first.close()


@pytest.mark.parametrize("end", ["rollback", "close"])
def test_what_ends_otherwise_passes_its_turn_on_too(file, threads, end):
    first = opened(file)
    first.cursor().execute("CREATE TABLE met (number INTEGER)")
    first.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
    getattr(first, end)()
    threads.submit(add, file, 1).result(SOON_S)
    first.close()


def test_who_waits_too_long_is_told_that_the_database_is_locked(file, threads):
    first = opened(file)
    first.cursor().execute("CREATE TABLE met (number INTEGER)")
    first.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
    impatient = {**file, "OPTIONS": {**file["OPTIONS"], "timeout": 0.1}}
    with pytest.raises(OperationalError, match="locked"):
        threads.submit(add, impatient, 1).result(SOON_S)
    first.close()
    threads.submit(add, impatient, 2).result(SOON_S)


def test_who_only_reads_waits_for_no_turn_and_sees_what_there_was_at_first(file):
    writer, reader = opened(file), opened(file)
    writer.cursor().execute("CREATE TABLE met (number INTEGER)")
    writer.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
    with transactions_that_read(reader):
        reader.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
        assert not list(reader.cursor().execute("SELECT number FROM met"))
        writer.cursor().execute("INSERT INTO met VALUES (0)")
        writer.commit()
        assert not list(reader.cursor().execute("SELECT number FROM met"))
        reader.commit()
    reader.set_autocommit(True)
    assert [row[0] for row in reader.cursor().execute("SELECT number FROM met")] == [0]
    for connection in (writer, reader):
        connection.close()
    add(file, 1)
