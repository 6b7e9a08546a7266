"""How often a user may ask for one thing, and how much of that is left: in the answer's headers.

Counted in windows, in the cache: shared by all processes with Redis, else each has its own. The
headers are those of the IETF's draft-ietf-httpapi-ratelimit-headers, in its form since revision 08.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import structlog
from asgiref.sync import iscoroutinefunction, sync_to_async
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from audit.context import current
from core.errors import TooMany

READ, WRITE, START = "read", "write", "start"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Policy:
    """So many requests in each window of so many seconds."""

    name: str
    quota: int
    window_s: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How much is `left` of it, until it begins anew."""

    policy: Policy
    left: int
    resets_s: int

    def headers(self) -> dict[str, str]:
        policy = self.policy
        return {
            "RateLimit-Policy": f'"{policy.name}";q={policy.quota};w={policy.window_s}',
            "RateLimit": f'"{policy.name}";r={self.left};t={self.resets_s}',
        }


class PerRoute(BaseThrottle):
    """For views of DRF."""

    def allow_request(self, request: Request, view: Any) -> bool:
        asked: HttpRequest = request._request
        if (policy := _policy_of(asked, starts=False)) is not None:
            _count(asked, policy, request.user.pk)
        return True


async def count_start(request: HttpRequest, user_id: Any) -> None:
    """For views that wait or stream: what is posted there starts something. Raises TooMany.

    Without a limit there is no thread.
    """
    if (policy := _policy_of(request, starts=True)) is not None:
        await sync_to_async(_count, thread_sensitive=False)(request, policy, user_id)


@sync_and_async_middleware
def rate_headers(get_response: Callable[[HttpRequest], Any]) -> Callable[..., Any]:
    """What was counted of a request is told in its answer, be that an error."""
    if not iscoroutinefunction(get_response):
        return lambda request: _told(request, get_response(request))

    async def middleware(request: HttpRequest) -> HttpResponseBase:
        return _told(request, await get_response(request))

    return middleware


def _told(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    standing: Standing | None = getattr(request, "rate", None)
    if standing is not None:
        for name, value in standing.headers().items():
            response.headers[name] = value
    return response


def _policy_of(request: HttpRequest, *, starts: bool) -> Policy | None:
    name = READ if request.method in _SAFE else (START if starts else WRITE)
    rate = settings.CHATTER_RATES[name]
    return _policy(name, rate) if rate else None


@lru_cache(maxsize=16)
def _policy(name: str, rate: str) -> Policy:
    """Of a text such as "600/min"."""
    number, _, window = rate.partition("/")
    return Policy(name, int(number), _SECONDS[window[0]])


def _count(request: HttpRequest, policy: Policy, user_id: Any) -> None:
    """Count one request to this route by this user, or from this address.

    Raises TooMany. Nobody is refused because the cache is away.
    """
    route = request.resolver_match.view_name if request.resolver_match else ""
    window, gone_s = divmod(int(time.time()), policy.window_s)
    who = user_id or current().address
    key = f"rate:{policy.name}:{route}:{who}:{window}"
    try:
        # Of those who come first at once only one begins to count.
        begun = cache.add(key, 1, timeout=policy.window_s)
        counted = 1 if begun else cache.incr(key)
    except (RedisError, OSError) as error:
        log.warning("rates.cache_away", error=repr(error))
        return
    except ValueError:  # the window has just ended
        counted = 1
    left_s = policy.window_s - gone_s
    request.rate = Standing(policy, max(policy.quota - counted, 0), left_s)  # type: ignore[attr-defined]
    if counted > policy.quota:
        raise TooMany(retry_after_s=left_s)
