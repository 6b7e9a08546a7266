"""Pages for what is no fault of ours: the database is away, or somebody else was faster."""

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.decorators import sync_and_async_middleware

from core.outage import AWAY, database_away
from core.overtaken import overtaken, was_overtaken


@sync_and_async_middleware
def page_of_a_mishap(get_response: Callable[[HttpRequest], Any]) -> Callable[..., Any]:
    """A page that needs the database answers 503 and says when to come again; one whose rows
    somebody else has just deleted 409. Both offer the way back.
    """

    def middleware(request: HttpRequest) -> Any:
        return get_response(request)

    if iscoroutinefunction(get_response):
        middleware = markcoroutinefunction(middleware)
    middleware.process_exception = _instead_of  # type: ignore[attr-defined]
    return middleware


def _instead_of(request: HttpRequest, error: Exception) -> HttpResponse | None:
    url = request.get_full_path()
    if isinstance(error, AWAY):
        away = database_away(error)
        # Without the request: who is signed in is not to be looked up now.
        page = render_to_string("503.html", {"message": str(away), "url": url})
        headers = {"Retry-After": str(away.detail["retry_after_s"])}
        return HttpResponse(page, status=away.status, headers=headers)
    if was_overtaken(error):
        told = overtaken(error, getattr(request, "request_id", ""))
        shown = {"message": str(told), "url": url}
        return render(request, "409.html", shown, status=told.status)
    return None
