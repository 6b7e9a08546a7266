"""Who is asking: the one way from a token or a session to a user, over HTTP and sockets."""

import hmac
from collections.abc import Mapping
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

from asgiref.sync import sync_to_async
from django.contrib.auth import get_user
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.db import close_old_connections, connection
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from rest_framework import authentication
from rest_framework.request import Request

from accounts.known_users import KEPT_S, known_users
from accounts.models import ApiToken, User
from accounts.rates import count_start
from accounts.tokens import digest_of, prefix_of, token_in_header, token_in_subprotocols
from audit.context import set_actor
from core import clock
from core.database import database
from core.errors import NotAuthenticated, Refused

_USE_NOTED_EVERY = timedelta(minutes=1)


class InvalidToken(NotAuthenticated):
    """Unknown, revoked, expired, or its user is inactive; nobody is told which."""

    code = "invalid_token"
    message = "This token is not valid."


class CsrfFailed(Refused):
    code = "csrf_failed"
    message = "The CSRF check failed: {reason}"


def user_of(request: HttpRequest | Request) -> User:
    """Who a view serves that lets in nobody unknown. Raises NotAuthenticated."""
    if not isinstance(request.user, User):
        raise NotAuthenticated
    return request.user


def user_of_token(plain: str) -> User:
    """The user a token acts for. Reads the database at most every few seconds per token.

    Raises InvalidToken. The user is shared with other requests: not to be changed.
    """
    digest = digest_of(plain)
    return known_users.get(digest) or _look_up(plain, digest)


def user_of_session(session: SessionBase) -> User:
    """Whom a session lets in, signed with a key of now or one before it. Raises NotAuthenticated.

    The session stays as it is: where there is no response, no browser hears of another key.
    """
    user = get_user(cast(HttpRequest, SimpleNamespace(session=_CopyOfSession(session.items()))))
    if not isinstance(user, User) or not user.is_active:
        raise NotAuthenticated
    return user


class _CopyOfSession(dict[str, Any]):
    """A session for Django to look at, which cannot change the real one."""

    def cycle_key(self) -> None:
        pass

    def flush(self) -> None:
        pass


async def authenticate_request(request: HttpRequest) -> User:
    """The user of an async view: by token, else by session, with CSRF checked where DRF would.

    A token used a moment ago costs no thread. Counts the request where there is a limit.
    Raises InvalidToken, CsrfFailed, NotAuthenticated, TooMany.
    """
    user = await _authenticated(request)
    await count_start(request, user.pk)
    return user


async def _authenticated(request: HttpRequest) -> User:
    plain = token_in_header(request.META.get("HTTP_AUTHORIZATION"))
    if plain is not None:
        return await _user_of_token_async(plain)
    user = await request.auser()
    # The session was read in this request's own thread: what it holds is not needed any more.
    await sync_to_async(_drop_old_connections)()
    if not user.is_active:
        raise NotAuthenticated
    check_csrf(request)
    set_actor(user.pk)
    return user


async def authenticate_scope(scope: Mapping[str, Any]) -> User:
    """The user of a websocket: by the token among its subprotocols, else `scope["user"]`.

    Raises InvalidToken, NotAuthenticated. The caller has checked the Origin of a session's socket.
    """
    plain = token_in_subprotocols(scope.get("subprotocols") or ())
    if plain is not None:
        return await _user_of_token_async(plain)
    user: Any = scope.get("user") or AnonymousUser()
    if not user.is_active:
        raise NotAuthenticated
    set_actor(user.pk)
    return user


def check_csrf(request: HttpRequest) -> None:
    """Raise CsrfFailed for an unsafe request of a session without its CSRF token."""
    check = authentication.CSRFCheck(_any_view)
    check.process_request(request)
    reason = check.process_view(request, _any_view, (), {})
    if reason:
        raise CsrfFailed(reason=reason)


def _any_view(request: HttpRequest) -> HttpResponse:
    """Stands for the view, which the check only asks whether it is exempt."""
    return HttpResponse()


class TokenAuthentication(authentication.BaseAuthentication):
    """`Authorization: Token …` for views of DRF."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        plain = token_in_header(request.META.get("HTTP_AUTHORIZATION"))
        if plain is None:
            return None
        user = user_of_token(plain)
        set_actor(user.pk)
        return user, None

    def authenticate_header(self, request: Request) -> str:
        return "Token"


class SessionAuthentication(authentication.SessionAuthentication):
    """The session of the pages, for views of DRF; who has none gets a 401."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        found = super().authenticate(request)
        if found:
            set_actor(found[0].pk)
        return found

    def enforce_csrf(self, request: Request) -> None:
        check_csrf(request)

    def authenticate_header(self, request: Request) -> str:
        return "Token"


async def _user_of_token_async(plain: str) -> User:
    digest = digest_of(plain)
    user = known_users.get(digest)
    if user is None:
        user = await database.run(_look_up, plain, digest)
    set_actor(user.pk)
    return user


def _drop_old_connections() -> None:
    # On PostgreSQL Django would drop one that is in a transaction too; tests are in one.
    if not connection.in_atomic_block:
        close_old_connections()


def _look_up(plain: str, digest: str) -> User:
    generation = known_users.generation
    token = _active_token(prefix_of(plain), digest)
    if token is None:
        known_users.forget(digest)
        raise InvalidToken
    _note_use(token)
    left_s = (token.expires_at - clock.now()).total_seconds() if token.expires_at else KEPT_S
    known_users.keep(digest, token.user, generation, left_s)
    return token.user


def _active_token(prefix: str, digest: str) -> ApiToken | None:
    if not prefix:
        return None
    tokens = ApiToken.objects.active().filter(prefix=prefix).select_related("user")
    return next((one for one in tokens if hmac.compare_digest(one.digest, digest)), None)


def _note_use(token: ApiToken) -> None:
    now = clock.now()
    long_ago = now - _USE_NOTED_EVERY
    if token.last_used_at is None or token.last_used_at < long_ago:
        unnoted = Q(last_used_at__isnull=True) | Q(last_used_at__lt=long_ago)
        ApiToken.objects.filter(unnoted, pk=token.pk).update(last_used_at=now)
