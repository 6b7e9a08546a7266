"""The content security policy of every page."""

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)


def _with_policy(response: HttpResponseBase) -> HttpResponseBase:
    response.headers.setdefault("Content-Security-Policy", POLICY)
    return response


@sync_and_async_middleware
def content_security_policy(get_response: Callable[[HttpRequest], Any]) -> Callable[..., Any]:
    """Only our own files run and load; a view may set a header of its own."""
    if not iscoroutinefunction(get_response):
        return lambda request: _with_policy(get_response(request))

    async def middleware(request: HttpRequest) -> HttpResponseBase:
        return _with_policy(await get_response(request))

    return middleware
