"""Who may open a socket: origin, then session or token, then the route."""

from typing import Any

from channels.routing import URLRouter
from channels.sessions import SessionMiddlewareStack
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.http.request import split_domain_port, validate_host
from django.urls import re_path

from accounts.authentication import user_of_session
from accounts.models import User
from audit.context import RequestContext, address_of, bound
from audit.middleware import request_id_for
from conversations.routing import urlpatterns as conversation_sockets
from core.database import database
from core.errors import NotAuthenticated
from core.sockets import NoSuchSocket
from workflows.routing import urlpatterns as execution_sockets

App = Any  # an ASGI application; the stubs of Channels know several incompatible kinds


class WithUser:
    """Puts the user of the session into the scope.

    Channels' own knows no `SECRET_KEY_FALLBACKS`, and would delete the session of a tab that comes
    back after the key has changed.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        user = await database.run(_user_of, scope["session"])
        await self._app({**scope, "user": user}, receive, send)


def _user_of(session: SessionBase) -> User | AnonymousUser:
    try:
        return user_of_session(session)
    except NotAuthenticated:
        return AnonymousUser()


class OriginChecked:
    """Refuses sockets from other sites.

    A browser always names its origin, and sends its cookies to wherever a page points it; so a
    session counts only from our own origin. A client without a browser has no Origin: it may
    come with a token, but its cookies are not looked at.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._with_session: App = SessionMiddlewareStack(WithUser(app))

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        headers = dict(scope["headers"])
        scope["request_id"] = request_id_for(headers.get(b"x-request-id", b"").decode("latin-1"))
        with bound(RequestContext(scope["request_id"], address=_address_of(scope))):
            await self._checked(headers, scope, receive, send)

    async def _checked(
        self, headers: dict[bytes, bytes], scope: dict[str, Any], receive: Any, send: Any
    ) -> None:
        origin = headers.get(b"origin", b"").decode("latin-1")
        if not origin:
            await self._app(scope, receive, send)
        elif _is_ours(origin, headers.get(b"host", b"").decode("latin-1")):
            await self._with_session(scope, receive, send)
        else:
            await self._app({**scope, "other_site": True}, receive, send)


def _address_of(scope: dict[str, Any]) -> str:
    forwarded = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
    peer, *_ = scope.get("client") or ("",)
    told = b",".join(forwarded).decode("latin-1")
    return address_of({"HTTP_X_FORWARDED_FOR": told, "REMOTE_ADDR": peer})


def _is_ours(origin: str, host: str) -> bool:
    """The origin is the host that was asked, or one that is trusted for forms too.

    Where all is encrypted, a page that is not may come from whoever sits between.
    """
    if origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    scheme, _, asked = origin.partition("://")
    if asked != host or (settings.HTTPS and scheme != "https"):
        return False
    name, _ = split_domain_port(asked)
    return bool(name) and validate_host(name, settings.ALLOWED_HOSTS)


_nowhere: Any = NoSuchSocket.as_asgi()
_routes: list[Any] = [*execution_sockets, *conversation_sockets, re_path(r"", _nowhere)]
sockets = OriginChecked(URLRouter(_routes))
