"""`/metrics`, for callers with the token or from an allowed address."""

import asyncio
from ipaddress import ip_address, ip_network
from secrets import compare_digest

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from audit import context
from core.database import database
from telemetry import tallies
from telemetry.collector import of_installation, of_installation_away, of_process
from telemetry.loops import keep_measuring_the_server

_SCHEME = "bearer "
_DATABASE_S = 5.0  # whoever scrapes waits for 10 s, and would learn nothing at all


@require_safe
async def metrics(request: HttpRequest) -> HttpResponse:
    """Absent where neither METRICS_TOKEN nor METRICS_ALLOW is set."""
    if not tallies.wanted():
        raise Http404
    if not (_shows_the_token(request) or _comes_from_an_allowed_address(request)):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    keep_measuring_the_server()
    try:
        whole = await asyncio.wait_for(database.run(of_installation), _DATABASE_S)
    except TimeoutError:
        whole = of_installation_away()
    return HttpResponse(whole + of_process(), content_type=CONTENT_TYPE_LATEST)


def _shows_the_token(request: HttpRequest) -> bool:
    given, expected = request.headers.get("Authorization", ""), settings.METRICS_TOKEN
    if not expected or not given.lower().startswith(_SCHEME):
        return False
    return compare_digest(given[len(_SCHEME) :].strip().encode(), expected.encode())


def _comes_from_an_allowed_address(request: HttpRequest) -> bool:
    """Not where a proxy speaks that nobody trusts: behind it everybody has its address."""
    if not settings.TRUSTED_PROXIES and "X-Forwarded-For" in request.headers:
        return False
    try:
        address = ip_address(context.address_of(request.META))
        return any(address in ip_network(one, strict=False) for one in settings.METRICS_ALLOW)
    except ValueError:  # of a caller without one, or of a setting that is none: `manage.py doctor`
        return False
