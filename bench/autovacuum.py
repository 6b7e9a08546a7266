"""What PostgreSQL does by itself, for a server on which it is switched off."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import psycopg

_EVERY_S = 10.0
# Its own rule, with the thresholds it comes with.
_CHANGED = """
    SELECT quote_ident(relname) FROM pg_stat_user_tables
    WHERE n_mod_since_analyze > 50 + 0.1 * n_live_tup
"""


@contextmanager
def vacuumed(url: str) -> Iterator[None]:
    """Keep statistics of that database, and reuse its space, as every installation does.

    Without statistics PostgreSQL plans for the tables it first saw, which were empty.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        (by_itself,) = connection.execute("SHOW autovacuum").fetchone() or ("",)
    if by_itself == "on":
        yield
        return
    stopping = Event()
    worker = Thread(target=_vacuum, args=(url, stopping), daemon=True)
    worker.start()
    try:
        yield
    finally:
        stopping.set()
        worker.join()


def _vacuum(url: str, stopping: Event) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        while not stopping.wait(_EVERY_S):
            for (table,) in connection.execute(_CHANGED).fetchall():
                connection.execute(f"VACUUM (ANALYZE, SKIP_LOCKED) {table}".encode())
