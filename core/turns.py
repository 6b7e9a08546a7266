"""One at a time, among all processes: work that must not be done twice at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b

from django.db import connection, transaction


@contextmanager
def in_turn(name: str) -> Iterator[None]:
    """A transaction that waits until no other of this name is under way.

    SQLite has one writer at a time, so there every transaction is one.
    """
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_number(name)])
        yield


@contextmanager
def if_free(name: str) -> Iterator[bool]:
    """The same for those who need not wait; gives whether it is their turn."""
    with transaction.atomic():
        if connection.vendor != "postgresql":
            yield True
            return
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_number(name)])
            free = bool(cursor.fetchone()[0])
        yield free


@contextmanager
def in_turn_at_one_instant(name: str) -> Iterator[None]:
    """The same, and all it reads is as of one instant after its turn came.

    Within another transaction it reads as that one does.
    """
    if connection.vendor != "postgresql" or connection.in_atomic_block:
        with in_turn(name):
            yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_number(name)])
        try:
            with transaction.atomic():
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_number(name)])


def _number(name: str) -> int:
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), signed=True)
