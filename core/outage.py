"""The answer while the database is away, full or only read: try again, for the API and pages."""

from collections.abc import Callable
from typing import Any

import structlog
from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.db import InterfaceError, InternalError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.decorators import sync_and_async_middleware

from core.errors import DatabaseAway

# PostgreSQL that may only read, such as a replica, calls a write an internal error.
AWAY = (OperationalError, InterfaceError, InternalError)
_AWAY_S = 5
log = structlog.get_logger(__name__)


def database_away(error: Exception) -> DatabaseAway:
    log.warning("database.away", error=repr(error))
    return DatabaseAway(retry_after_s=_AWAY_S)


@sync_and_async_middleware
def page_of_an_outage(get_response: Callable[[HttpRequest], Any]) -> Callable[..., Any]:
    """A page that needs the database answers 503 and says when to come again."""

    def middleware(request: HttpRequest) -> Any:
        return get_response(request)

    if iscoroutinefunction(get_response):
        middleware = markcoroutinefunction(middleware)
    middleware.process_exception = _instead_of  # type: ignore[attr-defined]
    return middleware


def _instead_of(request: HttpRequest, error: Exception) -> HttpResponse | None:
    """Without the request: who is signed in is not to be looked up now."""
    if not isinstance(error, AWAY):
        return None
    told = database_away(error)
    page = render_to_string("503.html", {"message": str(told), "url": request.get_full_path()})
    headers = {"Retry-After": str(told.detail["retry_after_s"])}
    return HttpResponse(page, status=told.status, headers=headers)
