"""How many there are of something, counted seldom: each start takes a place of so many.

A start counts what the database holds and what this process is committing, under a lock: one
process never passes the limit. Another process is seen once it has committed, so of p processes
that start in the same instant each may take the last place: p - 1 too many at most, and only until
they end. While less than half of the places are taken a count serves for a second; two processes
together cannot pass the limit by that alone, p may take p halves of it within that second.
"""

import time
from collections.abc import Callable, Set
from dataclasses import dataclass, field
from threading import Lock
from uuid import UUID

_KEPT_S = 1.0
_MOST_KEPT = 10_000
Key = UUID | None
Count = Callable[[Key, Set[UUID]], int]


@dataclass(slots=True)
class _Known:
    """Of one key: who is being committed, and how many there were at most a moment ago."""

    starting: set[UUID] = field(default_factory=set)
    number: int = 0
    until: float = 0.0


class Tally:
    """What this process knows, by key. Safe to use from every thread.

    `count` asks the database how many there are for a key, but for some by id.
    """

    def __init__(self, count: Count) -> None:
        self._count = count
        self._lock = Lock()  # never held over a query
        self._counting = Lock()
        self._by_key: dict[Key, _Known] = {}

    def are_few(self, key: Key, most: int) -> bool:
        """Whether a count of late says that not even half of so many are there."""
        with self._lock:
            known = self._by_key.get(key)
            return bool(known and known.until >= time.monotonic() and known.number * 2 <= most)

    def take_known(self, key: Key, one: UUID, most: int) -> bool:
        """Take a place without a query, if a count of late says that there are plenty."""
        with self._lock:
            known = self._by_key.get(key)
            if known is None or known.until < time.monotonic() or (known.number + 1) * 2 > most:
                return False
            known.starting.add(one)
            known.number += 1
            return True

    def take(self, key: Key, one: UUID, most: int) -> int | None:
        """Count, and take a place; where none is left, returns how many there are."""
        with self._counting:
            with self._lock:
                known = self._known(key)
                starting, before = set(known.starting), known.number
            number = self._count(key, starting) + len(starting)
            if number >= most:
                return number
            with self._lock:
                known = self._known(key)
                known.starting.add(one)
                # Some may have taken known places while the database was asked.
                known.number = number + 1 + max(known.number - before, 0)
                known.until = time.monotonic() + _KEPT_S
            return None

    def leave(self, key: Key, one: UUID) -> None:
        """It is committed, or will not be."""
        with self._lock:
            self._known(key).starting.discard(one)

    def forget(self) -> None:
        """Count anew."""
        with self._lock:
            self._by_key.clear()

    def _known(self, key: Key) -> _Known:
        if len(self._by_key) >= _MOST_KEPT:
            self._by_key = {one: known for one, known in self._by_key.items() if known.starting}
        return self._by_key.setdefault(key, _Known())
