"""How often something came in the last so many seconds: counted by the library `limits`.

With Redis all processes share the counts, else each has its own.
"""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING

from django.conf import settings

from core.errors import ChatterError

if TYPE_CHECKING:
    from limits import RateLimitItem
    from limits.strategies import MovingWindowRateLimiter

_AWAY_S = 5
_WAITS_S = 1
_SILENT_S = 2.0  # longer than one waits
_asked_again_at: dict[str, float] = {}  # by the address of what did not answer
_in_memory = Lock()  # there the library counts for one thread at a time, whatever it says
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_PREFIX = "chatter:rates"


class CacheAway(ChatterError):
    """Nothing was counted."""

    code = "cache_away"
    status = 503
    message = "Attempts cannot be counted just now. Try again in {retry_after_s} s."


@dataclass(frozen=True, slots=True)
class Rate:
    """So many in any span of so many seconds."""

    quota: int
    window_s: int


@lru_cache(maxsize=64)
def rate_of(text: str) -> Rate:
    """Of a text such as "600/min"."""
    number, _, window = text.partition("/")
    return Rate(int(number), _SECONDS[window[0]])


@dataclass(frozen=True, slots=True)
class Taken:
    """`left`: how many more may come now; `resets_s`: until the first of the counted is too old."""

    is_refused: bool
    left: int
    resets_s: int


@dataclass(frozen=True, slots=True)
class Window:
    """What is counted under one key, at one rate. All of it raises CacheAway."""

    key: str
    rate: Rate

    def take(self) -> Taken:
        """Count one more, unless it is one too many. Of many at once no more are let in."""
        with _cache_errors():
            item, limiter = _item(self.rate), _limiter(settings.RATES_REDIS_URL)
            let_in = limiter.hit(item, self.key)
            resets_at, left = limiter.get_window_stats(item, self.key)
        return Taken(not let_in, left, max(1, math.ceil(resets_at - time.time())))

    def forget(self) -> None:
        with _cache_errors():
            _limiter(settings.RATES_REDIS_URL).clear(_item(self.rate), self.key)

    def forget_before(self, at: datetime) -> bool:
        """Forget what is counted if the first of it came before then; False if not."""
        with _cache_errors():
            stats = _limiter(settings.RATES_REDIS_URL).get_window_stats(_item(self.rate), self.key)
        if stats.reset_time - self.rate.window_s > at.timestamp():
            return False
        self.forget()
        return True


# The library takes a tenth of a second and 7 MB, and many processes count nothing.
@lru_cache(maxsize=4)
def _limiter(redis_url: str) -> "MovingWindowRateLimiter":
    from limits.storage import MemoryStorage, RedisStorage  # noqa: PLC0415
    from limits.strategies import MovingWindowRateLimiter  # noqa: PLC0415

    if not redis_url:
        return MovingWindowRateLimiter(MemoryStorage())
    import redis  # noqa: F401, PLC0415 - all of it: the library takes a half for an old version

    storage = RedisStorage(
        redis_url, key_prefix=_PREFIX, socket_connect_timeout=_WAITS_S, socket_timeout=_WAITS_S
    )
    return MovingWindowRateLimiter(storage)


@lru_cache(maxsize=64)
def _item(rate: Rate) -> "RateLimitItem":
    from limits import RateLimitItemPerSecond  # noqa: PLC0415

    return RateLimitItemPerSecond(rate.quota, rate.window_s, namespace="rate")


@contextmanager
def _cache_errors() -> Iterator[None]:
    """Whoever finds that it does not answer has waited for the others, too: for a while."""
    url = settings.RATES_REDIS_URL
    if (again_at := _asked_again_at.get(url)) is not None:
        if again_at > time.monotonic():
            raise CacheAway(retry_after_s=_AWAY_S)
        _asked_again_at[url] = time.monotonic() + _SILENT_S  # by one; nobody waits with it
    try:
        with nullcontext() if url else _in_memory:
            yield
    except Exception as error:
        from redis.exceptions import RedisError  # noqa: PLC0415 - 13 MB, and needed only here

        if isinstance(error, RedisError | OSError):
            _asked_again_at[url] = time.monotonic() + _SILENT_S
            raise CacheAway(retry_after_s=_AWAY_S) from error
        raise
    _asked_again_at.pop(url, None)
