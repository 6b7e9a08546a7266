"""One id per request: in the context, the response's header and the server's log."""

import re
import time
from collections.abc import Callable
from typing import Any, Self

import structlog
from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from audit import context
from audit.guesses import GUESSED, guesses, note_guesses
from audit.signals import request_answered
from core.database import database
from core.models import new_id

HEADER = "X-Request-ID"
LEFT_EARLY = 499  # as nginx logs a client that went away before the answer
UNSENT = "_unsent"  # an attribute of a request that nobody sent: nothing is told or counted of it
_SANE = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
log = structlog.get_logger(__name__)


@sync_and_async_middleware
def request_context(get_response: Callable[[HttpRequest], Any]) -> Callable[..., Any]:
    """Stands first in MIDDLEWARE. Its asynchronous path never enters a thread."""
    if not iscoroutinefunction(get_response):

        def sync_middleware(request: HttpRequest) -> HttpResponseBase:
            with _Exchange(request) as exchange:
                response = exchange.answered(get_response(request))
                if exchange.guessed:
                    note_guesses(exchange.guessed, exchange.user_id)
                return response

        return sync_middleware

    async def middleware(request: HttpRequest) -> HttpResponseBase:
        with _Exchange(request) as exchange:
            response = exchange.answered(await get_response(request))
            if exchange.guessed:
                await database.run(note_guesses, exchange.guessed, exchange.user_id)
            return response

    return middleware


def request_id_for(proposed: str | None) -> str:
    """The caller's own id when it is a plain token, else a new one."""
    return proposed if proposed and _SANE.fullmatch(proposed) else new_id().hex


def traceparent_of(proposed: str | None) -> str:
    """The span of the caller in which this happens, where it is a valid one."""
    return proposed if proposed and _TRACEPARENT.fullmatch(proposed) else ""


class _Exchange:
    """One request and its response."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.response: HttpResponseBase | None = None
        self.guessed = ""  # of what, when it is time to tell

    def __enter__(self) -> Self:
        self._started = time.perf_counter()
        request_id = request_id_for(self.request.headers.get(HEADER))
        address = context.address_of(self.request.META)
        self.request.request_id = request_id  # type: ignore[attr-defined]
        traceparent = traceparent_of(self.request.headers.get("traceparent"))
        known = context.RequestContext(request_id, None, address, traceparent)
        self._release = context.bind(known)
        return self

    def answered(self, response: HttpResponseBase) -> HttpResponseBase:
        response.headers[HEADER] = self.request.request_id  # type: ignore[attr-defined]
        self.response = response
        if response.status_code in GUESSED and not self.unsent:
            self.guessed = guesses.count(self.request, response, self.user_id)
        return response

    def __exit__(self, *_: object) -> None:
        if not self.unsent:
            self._tell()
        # A stream is still to be written, by this task and under this id; the task ends with it.
        if not getattr(self.response, "streaming", False):
            self._release()

    def _tell(self) -> None:
        took_s = time.perf_counter() - self._started
        method, route = str(self.request.method), self._route()
        status = self.response.status_code if self.response else LEFT_EARLY
        log.info(
            "request.answered" if self.response else "request.left",
            method=method,
            route=route,
            path=self.request.path,
            status=status,
            ms=round(took_s * 1000, 1),
            user=self.user_id,
        )
        request_answered.send(sender=None, method=method, route=route, status=status, took_s=took_s)

    def _route(self) -> str:
        """The pattern of the address; empty where none fits, or the request did not get so far."""
        found = getattr(self.request, "resolver_match", None)
        return found.route if found else ""

    @property
    def unsent(self) -> bool:
        return hasattr(self.request, UNSENT)

    @property
    def user_id(self) -> str | None:
        """Who it was, when someone has found out already: no query for the sake of a log line."""
        found = vars(self.request).get("_cached_user") or vars(self.request).get("_acached_user")
        known = context.current().actor_id or getattr(found, "pk", None)
        return str(known) if known else None
