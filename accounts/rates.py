"""How often a user may ask for one thing, and how much of that is left: in the answer's headers.

The headers are those of the IETF's draft-ietf-httpapi-ratelimit-headers, in its form since
revision 08.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import structlog
from asgiref.sync import iscoroutinefunction, sync_to_async
from django.conf import settings
from django.core import checks
from django.db import DatabaseError, transaction
from django.http import HttpRequest, HttpResponseBase
from django.urls import Resolver404, resolve
from django.utils.decorators import sync_and_async_middleware
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts.windows import CacheAway, Rate, Taken, Window, rate_of
from audit.context import current
from audit.models import Outcome
from audit.record import record
from audit.refusals import refusals
from core.addresses import caller_of
from core.database import database
from core.errors import TooMany

READ, WRITE, START, ROUTE = "read", "write", "start", "route"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_PARAMETER = re.compile(r"<[^>]*>|{[^}]*}")
_SAMPLES = ("x", "0", "00000000-0000-0000-0000-000000000000")  # what parameters take
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Policy:
    """What is counted by itself, and how much of it there may be."""

    name: str
    rate: Rate

    def headers(self, taken: Taken) -> dict[str, str]:
        return {
            "RateLimit-Policy": f'"{self.name}";q={self.rate.quota};w={self.rate.window_s}',
            "RateLimit": f'"{self.name}";r={taken.left};t={taken.resets_s}',
        }


class PerRoute(BaseThrottle):
    """For views of DRF."""

    def allow_request(self, request: Request, view: Any) -> bool:
        count_request(request._request, request.user.pk)
        return True


def count_request(request: HttpRequest, user_id: Any) -> None:
    """Raises TooMany."""
    if (policy := _policy_of(request, starts=False)) is not None:
        taken = _count(request, policy, user_id)
        if taken is not None and taken.is_refused:
            if detail := _to_tell(request, policy, user_id):
                _write(user_id, detail)
            raise TooMany(retry_after_s=taken.resets_s)


async def count_start(request: HttpRequest, user_id: Any) -> None:
    """For views that wait or stream: what is posted there starts something. Raises TooMany.

    Without a limit there is no thread.
    """
    if (policy := _policy_of(request, starts=True)) is not None:
        count = sync_to_async(_count, thread_sensitive=False)
        taken = await count(request, policy, user_id)
        if taken is not None and taken.is_refused:
            if detail := _to_tell(request, policy, user_id):
                await database.run(_write, user_id, detail)
            raise TooMany(retry_after_s=taken.resets_s)


@sync_and_async_middleware
def rate_headers(get_response: Callable[[HttpRequest], Any]) -> Callable[..., Any]:
    """What was counted of a request is told in its answer, be that an error."""
    if not iscoroutinefunction(get_response):
        return lambda request: _with_rate_headers(request, get_response(request))

    async def middleware(request: HttpRequest) -> HttpResponseBase:
        return _with_rate_headers(request, await get_response(request))

    return middleware


def _with_rate_headers(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    for name, value in getattr(request, "rate_headers", {}).items():
        response.headers[name] = value
    return response


def _policy_of(request: HttpRequest, *, starts: bool) -> Policy | None:
    """That of its route alone, where there is one; else of what is done there."""
    if rate := settings.CHATTER_ROUTE_RATES and _rate_alone(request):
        return Policy(ROUTE, rate_of(rate))
    name = READ if request.method in _SAFE else (START if starts else WRITE)
    rate = settings.CHATTER_RATES[name]
    return Policy(name, rate_of(rate)) if rate else None


def _rate_alone(request: HttpRequest) -> str | None:
    """What is set for this address by itself."""
    match = request.resolver_match
    rates = {_address(name): rate for name, rate in settings.CHATTER_ROUTE_RATES.items()}
    return rates.get(_address(match.route)) if match else None


@lru_cache(1_024)
def _address(written: str) -> str:
    """As URLconf and document both write it but for the names and kinds of its parameters."""
    return "/" + _PARAMETER.sub("{}", written).lstrip("/")


def unknown_routes(**_: Any) -> Iterator[checks.CheckMessage]:
    """A system check: a rate of what is no address would limit nothing."""
    for name in settings.CHATTER_ROUTE_RATES:
        address, found = _address(name), set()
        for sample in _SAMPLES:
            with suppress(Resolver404):
                found.add(_address(resolve(address.replace("{}", sample)).route))
        if address not in found:
            yield checks.Error(f"RATE_ROUTES: {name} is no address.", id="accounts.E001")


def _count(request: HttpRequest, policy: Policy, user_id: Any) -> Taken | None:
    """Count one request to this route by this user, or from this address.

    None while the cache is away: nobody is refused because of that.
    """
    try:
        key = f"{policy.name}:{_route_of(request)}:{_caller(user_id)}"
        taken = Window(key, policy.rate).take()
    except CacheAway as error:
        log.warning("rates.cache_away", error=repr(error.__cause__))
        return None
    request.rate_headers = policy.headers(taken)  # type: ignore[attr-defined]
    return taken


def _to_tell(request: HttpRequest, policy: Policy, user_id: Any) -> dict[str, Any]:
    """What is to be written of this refusal; nothing of most of many."""
    rate = policy.rate
    count = refusals.count(f"rate.{policy.name}", _caller(user_id), rate.window_s)
    if not count:
        return {}
    return {
        "limit": policy.name,
        "route": _route_of(request),
        "most": rate.quota,
        "window_s": rate.window_s,
        "count": count,
    }


def _write(user_id: Any, detail: dict[str, Any]) -> None:
    """An answer does not become another because this fails."""
    try:
        with transaction.atomic():
            record("accounts.rate.exceeded", actor=user_id, outcome=Outcome.DENIED, detail=detail)
    except DatabaseError:
        log.exception("rates.not_recorded", limit=detail["limit"])


def _route_of(request: HttpRequest) -> str:
    return request.resolver_match.view_name if request.resolver_match else ""


def _caller(user_id: Any) -> str:
    """A user, else who is behind an address."""
    return str(user_id) if user_id else caller_of(current().address)
