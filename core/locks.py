"""Named locks that all processes share, each held for one transaction, or for many in a row."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

from django.db import connection, transaction

from core.sqlite.base import transactions_that_read


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Open a transaction once no other one holds this lock.

    SQLite has only one writer at a time, so there any transaction will do.
    """
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_number(name)])
        yield


@contextmanager
def locked_if_free(name: str) -> Iterator[bool]:
    """Open a transaction without waiting; yields whether it holds the lock."""
    with transaction.atomic():
        if connection.vendor != "postgresql":
            yield True
            return
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_number(name)])
            free = bool(cursor.fetchone()[0])
        yield free


@contextmanager
def locked_snapshot(name: str) -> Iterator[None]:
    """As `locked`, and everything read inside is as of one instant after the lock was taken.

    Within another transaction it reads as that one does.
    """
    if connection.vendor != "postgresql" or connection.in_atomic_block:
        with locked(name):
            yield
        return
    with locked_throughout(name), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


@contextmanager
def snapshot() -> Iterator[None]:
    """Everything read inside is as of one instant. Nobody waits for it, and nothing may be written.

    Within another transaction it reads as that one does.
    """
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield
    else:
        with transactions_that_read(connection), transaction.atomic():
            yield


@contextmanager
def locked_throughout(name: str) -> Iterator[None]:
    """Hold this lock for as many transactions as are opened inside; outside of any.

    On SQLite all names are one lock, of the directory that the database is in: whoever shares the
    database is on this machine, and the system lets go of the lock when a process is killed.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [_number(name)])
            try:
                yield
            finally:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_number(name)])
    elif connection.is_in_memory_db():  # type: ignore[attr-defined] # of this process alone
        yield
    else:
        directory = os.open(Path(connection.settings_dict["NAME"]).parent, os.O_RDONLY)
        try:
            fcntl.flock(directory, fcntl.LOCK_EX)
            yield
        finally:
            os.close(directory)


def _number(name: str) -> int:
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), signed=True)
