"""How often a user may ask for one page: by the same rates as for one address of the API."""

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.decorators import sync_and_async_middleware

from accounts.rates import count_request
from core.api import FOR_PROGRAMS
from core.database import database
from core.errors import TooMany


@sync_and_async_middleware
def page_rates(get_response: Callable[[HttpRequest], Any]) -> Callable[..., Any]:
    """Counts pages of who is signed in; nobody else sees one but the login, which has its rates.

    Of one too many the page says when to come again. Without a rate nobody is looked up.
    """

    def middleware(request: HttpRequest) -> Any:
        return get_response(request)

    hook: Callable[..., Any] = _refusal_of
    if iscoroutinefunction(get_response):
        middleware, hook = markcoroutinefunction(middleware), _awaited_refusal_of
    middleware.process_view = hook  # type: ignore[attr-defined]
    return middleware


def _refusal_of(request: HttpRequest, *_view: Any) -> HttpResponse | None:
    if not _is_counted(request) or not request.user.is_authenticated:
        return None
    try:
        count_request(request, request.user.pk)
    except TooMany as error:
        # Without the request: who asks too often costs no query.
        page = render_to_string("429.html", {"message": str(error), "url": request.get_full_path()})
        headers = {"Retry-After": str(error.detail["retry_after_s"])}
        return HttpResponse(page, status=error.status, headers=headers)
    return None


async def _awaited_refusal_of(request: HttpRequest, *view: Any) -> HttpResponse | None:
    return await database.run(_refusal_of, request, *view) if _is_counted(request) else None


def _is_counted(request: HttpRequest) -> bool:
    rates = (*settings.CHATTER_RATES.values(), *settings.CHATTER_ROUTE_RATES)
    return any(rates) and not request.path.startswith(FOR_PROGRAMS)
