"""How often something came in a window of time, which the first of it opens: counted in the cache.

With Redis all processes share the counts, else each has its own.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from django.core.cache import cache

from core import clock
from core.errors import ChatterError

_AWAY_S = 5
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


class CacheAway(ChatterError):
    """Nothing was counted."""

    code = "cache_away"
    status = 503
    message = "Attempts cannot be counted just now. Try again in {retry_after_s} s."


@dataclass(frozen=True, slots=True)
class Rate:
    """So many in each window of so many seconds."""

    quota: int
    window_s: int


@lru_cache(maxsize=64)
def rate_of(text: str) -> Rate:
    """Of a text such as "600/min"."""
    number, _, window = text.partition("/")
    return Rate(int(number), _SECONDS[window[0]])


@dataclass(frozen=True, slots=True)
class Taken:
    """`counted`: how many in this window, with this one; `resets_s`: until it is over."""

    rate: Rate
    counted: int
    resets_s: int

    @property
    def left(self) -> int:
        return max(self.rate.quota - self.counted, 0)

    @property
    def is_refused(self) -> bool:
        return self.counted > self.rate.quota

    @property
    def is_first_refused(self) -> bool:
        return self.counted == self.rate.quota + 1


@dataclass(frozen=True, slots=True)
class Window:
    """What is counted under one key. All of it raises CacheAway."""

    key: str

    def take(self, rate: Rate) -> Taken:
        """Count one more. Of many at once no two get the same number."""
        with _told_away():
            counted = self._count(rate.window_s)
            now = clock.now().timestamp()
            if counted == 1:
                self._open(now, rate.window_s)
            gone_s = now - cache.get(self._opened, now) if counted > 1 else 0.0
        return Taken(rate, counted, max(1, math.ceil(rate.window_s - gone_s)))

    def forget(self) -> None:
        with _told_away():
            cache.delete_many([self._counted, self._opened])

    def forget_before(self, at: datetime) -> bool:
        """Forget what was counted if it began before then; False if not."""
        with _told_away():
            opened = cache.get(self._opened)
        if opened is None or opened > at.timestamp():
            return False
        self.forget()
        return True

    def _count(self, window_s: int) -> int:
        while True:
            cache.add(self._counted, 0, window_s)
            try:
                return int(cache.incr(self._counted))
            except ValueError:  # its time was over just now
                continue

    def _open(self, now: float, window_s: int) -> None:
        # Where its time was over as it was counted up, Redis makes a number that stays for ever.
        cache.touch(self._counted, window_s)
        cache.set(self._opened, now, window_s)

    @property
    def _counted(self) -> str:
        return f"{self.key}:counted"

    @property
    def _opened(self) -> str:
        return f"{self.key}:opened"


@contextmanager
def _told_away() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        from redis.exceptions import RedisError  # noqa: PLC0415 - 13 MB, and needed only here

        if isinstance(error, RedisError | OSError):
            raise CacheAway(retry_after_s=_AWAY_S) from error
        raise
