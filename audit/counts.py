"""How often something comes from one caller, in the memory of this process."""

import time
from collections.abc import Callable
from threading import Lock

_MOST_KEYS = 10_000
WITHIN_S = 600.0


class Counts:
    """Counts by key; forgotten so long after the first, or where there are too many keys.

    Safe in every thread.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._counts: dict[tuple[str, str], tuple[float, int]] = {}

    def one_more(self, kind: str, caller: str, within_s: float = WITHIN_S) -> int:
        """Count one; the how many-th it is."""
        now = self._clock()
        with self._lock:
            if len(self._counts) >= _MOST_KEYS:
                self._counts.clear()
            since, count = self._counts.get((kind, caller), (now, 0))
            if now - since > within_s:
                since, count = now, 0
            self._counts[kind, caller] = (since, count + 1)
            return count + 1

    def forget(self) -> None:
        with self._lock:
            self._counts.clear()
