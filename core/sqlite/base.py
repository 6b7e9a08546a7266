"""Django's SQLite, with turns: threads of one process that write wait for each other.

SQLite lets whoever finds another writing sleep for up to 100 ms and look again: beside a thread
that writes all the time others waited for more than two seconds (measured). Other processes are
still met by SQLite's own way.
"""

import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

from django.db.backends.sqlite3 import base
from django.db.utils import OperationalError

_turns: dict[str, Lock] = defaultdict(Lock)
os.register_at_fork(after_in_child=_turns.clear)  # whoever had one is not in the child
_READS = "DEFERRED"
_OWNER_ALONE = 0o600
_LONG = 4_000  # characters; a statement of so many rows hardly comes twice


class DatabaseWrapper(base.DatabaseWrapper):
    """A transaction begins in its turn and passes it on when it ends, however it ends."""

    _turn: "Lock | None" = None
    transaction_mode: str | None

    def create_cursor(self, name: str | None = None) -> Any:
        return self.connection.cursor(factory=_Cursor)

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """A file that is made by this is its owner's alone; those SQLite puts beside it follow."""
        if not self.is_in_memory_db():
            _make(self.settings_dict["NAME"])
        return super().get_new_connection(conn_params)

    def _start_transaction_under_autocommit(self) -> None:
        # In memory it is of one thread, but in tests, where nobody sleeps.
        if self.is_in_memory_db() or self.transaction_mode == _READS:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
            return
        turn = _turns[str(self.settings_dict["NAME"])]
        if not turn.acquire(timeout=self.settings_dict["OPTIONS"]["timeout"]):
            raise OperationalError("database is locked")
        self._turn = turn
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
        except BaseException:
            self._pass_on()
            raise

    def _commit(self) -> Any:
        super()._commit()  # type: ignore[misc]
        self._pass_on()

    def _rollback(self) -> Any:
        try:
            super()._rollback()  # type: ignore[misc]
        finally:
            self._pass_on()

    def _close(self) -> Any:
        try:
            super()._close()  # type: ignore[misc]
        finally:
            self._pass_on()

    def _pass_on(self) -> None:
        turn, self._turn = self._turn, None
        if turn is not None:
            turn.release()


class _Cursor(base.SQLiteCursorWrapper):
    """Spells the places of a statement as SQLite does: once for each text, for it takes 5 µs."""

    def convert_query(self, query: str, *, param_names: list[str] | None = None) -> str:
        if param_names is None and len(query) < _LONG:
            return _converted(query)
        return super().convert_query(query, param_names=param_names)


@lru_cache(maxsize=1024)
def _converted(query: str) -> str:
    return base.SQLiteCursorWrapper.convert_query(None, query)  # type: ignore[arg-type] # of no cursor


def _make(path: "str | Path") -> None:
    # One that is there is not opened: closing it here would give up what SQLite has locked in it.
    with suppress(OSError):  # SQLite itself says why none can be made
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, _OWNER_ALONE))


@contextmanager
def transactions_that_read(connection: Any) -> Iterator[None]:
    """Transactions that begin inside wait for no turn, and see the database as at their first read.

    They must not write.
    """
    connection.ensure_connection()
    usual, connection.transaction_mode = connection.transaction_mode, _READS
    try:
        yield
    finally:
        connection.transaction_mode = usual
