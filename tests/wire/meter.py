"""The server's own account of every request: what came, what was billed, how it ended."""

import json
import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from .usage import Billed


@dataclass(frozen=True, slots=True)
class Record:
    """One request that reached the server.

    `usage` is None where nothing was billed. `call` is the `X-Chatter-Call` header,
    `request` the `X-Request-ID`. `said` is the beginning of every message; `tools` are the names of
    those described, `options` whatever else was in the body. `attempt` counts
    requests with the same last user message from 1. `status` is None if nothing was answered.
    `sent_words` of `planned_words` went out, those of tool calls included. `ended` is done, error,
    cut, left (by the client) or stopped (with the server).
    """

    id: str
    state: Literal["received", "finished"]
    path: str
    protocol: str | None
    model: str | None
    stream: bool
    received_at: str
    call: str | None = None
    request: str | None = None
    question: str = ""
    said: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    attempt: int = 1
    fault: str | None = None
    status: int | None = None
    usage: Billed | None = None
    sent_words: int = 0
    planned_words: int = 0
    ended: str | None = None
    client_left: bool = False
    finished_at: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Give the record as plain data."""
        return asdict(self)


class NotSettled(AssertionError):
    """Requests are still under way, or have not come."""


class Meter:
    """Records by id in order of arrival; safe to read from any thread.

    With a path, each record is also appended to that file as one line of JSON, first received and
    then finished: the later line with the same id replaces the earlier one.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._records: dict[str, Record] = {}
        self._forgotten: set[str] = set()
        self._changed = threading.Condition()
        self._file = path.open("a", encoding="utf-8") if path else None

    def write(self, record: Record) -> None:
        """Keep the newest state of a record."""
        with self._changed:
            if record.id in self._forgotten:
                return
            self._records[record.id] = record
            if self._file:
                self._file.write(json.dumps(record.as_json(), ensure_ascii=False) + "\n")
                self._file.flush()
            self._changed.notify_all()

    def clear(self) -> None:
        """Forget all records, also those in the file and of requests still under way."""
        with self._changed:
            self._forgotten.update(
                record.id for record in self._records.values() if record.state == "received"
            )
            self._records.clear()
            if self._file:
                self._file.truncate(0)

    def close(self) -> None:
        """Close the file."""
        if self._file:
            self._file.close()

    @property
    def records(self) -> list[Record]:
        """All records, in order of arrival."""
        with self._changed:
            return list(self._records.values())

    def settled(self, timeout_s: float = 5.0) -> list[Record]:
        """Wait until no request is under way and give all records. Raises NotSettled."""
        with self._changed:
            if not self._changed.wait_for(self._is_settled, timeout_s):
                raise NotSettled(
                    [record for record in self._records.values() if record.state == "received"]
                )
            return list(self._records.values())

    def received(self, count: int = 1, timeout_s: float = 5.0) -> list[Record]:
        """Wait until so many requests have come and give all records. Raises NotSettled."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._records) >= count, timeout_s):
                raise NotSettled(list(self._records.values()))
            return list(self._records.values())

    def find(self, id: str) -> Record | None:
        """Find the record with this id, which clients get as the answer's id."""
        with self._changed:
            return self._records.get(id)

    def of_call(self, call: str) -> list[Record]:
        """Find the records of one `X-Chatter-Call` header."""
        return [record for record in self.records if record.call == call]

    def _is_settled(self) -> bool:
        return all(record.state == "finished" for record in self._records.values())
