"""What every request passes through: Django's middleware without its threads, and our policy.

Under an asynchronous server Django gives each hook of its middleware a turn in a thread: 13 changes
of thread per request, a third of what a recorded chat cost (measured). These hooks only compute,
so here they run where they are called. `Handler` takes them; settings name Django's, which its
checks know.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.conf import settings
from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import Http404, HttpRequest, HttpResponseBase
from django.middleware import clickjacking, common, csrf, security
from django.utils.decorators import sync_and_async_middleware

from core.api import FOR_PROGRAMS, not_found

POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)


class _InLoop:
    """Stands before one of Django's: its hooks run in the event loop, unless they must write."""

    get_response: Callable[[HttpRequest], Any]

    def writes(self, request: HttpRequest) -> bool:
        """Whether `process_response` is going to use the database."""
        return False

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        before: Any = getattr(self, "process_request", None)
        after: Any = getattr(self, "process_response", None)
        response: HttpResponseBase | None = before(request) if before else None
        response = response or await self.get_response(request)
        if after is None:
            return response
        if self.writes(request):
            after = sync_to_async(after)
            return await after(request, response)
        return after(request, response)


class SecurityMiddleware(_InLoop, security.SecurityMiddleware):
    pass


class SessionMiddleware(_InLoop, sessions.SessionMiddleware):
    def writes(self, request: HttpRequest) -> bool:
        return request.session.modified


class CommonMiddleware(_InLoop, common.CommonMiddleware):
    pass


class CsrfViewMiddleware(_InLoop, csrf.CsrfViewMiddleware):
    _reject: Callable[..., HttpResponseBase]

    def __init__(self, get_response: Any) -> None:
        super().__init__(get_response)
        if self.async_mode:  # Django calls it directly, not through __acall__
            checked, reject = self.process_view, self._reject

            async def process_view(*view: Any) -> HttpResponseBase | None:
                refusal: Any = checked(*view)
                return await sync_to_async(refusal)() if refusal else None

            # Its page says who is signed in, which takes the database.
            vars(self)["_reject"] = lambda *why: partial(reject, *why)
            vars(self)["process_view"] = process_view


class AuthenticationMiddleware(_InLoop, auth.AuthenticationMiddleware):
    pass


class MessageMiddleware(_InLoop, messages.MessageMiddleware):
    def writes(self, request: HttpRequest) -> bool:
        kept: Any = vars(request)["_messages"]
        return kept.used or kept.added_new


class XFrameOptionsMiddleware(_InLoop, clickjacking.XFrameOptionsMiddleware):
    pass


IN_LOOP = {
    f"{one.__bases__[1].__module__}.{one.__name__}": f"{__name__}.{one.__name__}"
    for one in (
        SecurityMiddleware,
        SessionMiddleware,
        CommonMiddleware,
        CsrfViewMiddleware,
        AuthenticationMiddleware,
        MessageMiddleware,
        XFrameOptionsMiddleware,
    )
}


@sync_and_async_middleware
def policy_of_answers(get_response: Callable[[HttpRequest], Any]) -> Callable[..., Any]:
    """Only our own files run and load, and nobody keeps what the API says; a view may set headers
    of its own.
    """
    if not iscoroutinefunction(get_response):
        return lambda request: _with_policy(request, get_response(request))

    async def middleware(request: HttpRequest) -> HttpResponseBase:
        return _with_policy(request, await get_response(request))

    return middleware


def _with_policy(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    response.headers.setdefault("Content-Security-Policy", POLICY)
    if request.path.startswith(FOR_PROGRAMS):
        response.headers.setdefault("Cache-Control", "no-store")
    return response


@sync_and_async_middleware
def nothing_at_nul(get_response: Callable[[HttpRequest], Any]) -> Callable[..., Any]:
    """At an address with a NUL in it there is nothing: PostgreSQL does not look for such texts."""
    if not iscoroutinefunction(get_response):
        return lambda request: _refusal_of_nul(request) or get_response(request)

    async def middleware(request: HttpRequest) -> HttpResponseBase:
        return _refusal_of_nul(request) or await get_response(request)

    return middleware


def _refusal_of_nul(request: HttpRequest) -> HttpResponseBase | None:
    if "\0" not in request.path:
        return None
    if request.path.startswith(FOR_PROGRAMS):
        return not_found(request)
    raise Http404


@sync_and_async_middleware
def read_as_utf_8(get_response: Callable[[HttpRequest], Any]) -> Callable[..., Any]:
    """Whatever a request says it is written in: with the wrong one of Python's many encodings
    (`punycode`) half a megabyte takes a minute to read, and whoever comes can send that.
    """
    if not iscoroutinefunction(get_response):
        return lambda request: get_response(_in_utf_8(request))

    async def middleware(request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = await get_response(_in_utf_8(request))
        return response

    return middleware


def _in_utf_8(request: HttpRequest) -> HttpRequest:
    if request.encoding:
        request.encoding = settings.DEFAULT_CHARSET
    return request
