"""The token or session that let somebody in, checked again for as long as they stay."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from accounts.authentication import user_of_session, user_of_token
from accounts.models import User
from accounts.tokens import token_in_header, token_in_subprotocols


@dataclass(frozen=True, slots=True)
class Pass:
    """A token, or else the key of a session."""

    token: str = field(default="", repr=False)
    session: str = field(default="", repr=False)

    def holder(self) -> User:
        """Whom it lets in now. Raises InvalidToken, NotAuthenticated: revoked, ended, inactive."""
        if self.token:
            return user_of_token(self.token)
        store = import_module(settings.SESSION_ENGINE).SessionStore
        return user_of_session(store(self.session or None))


def pass_of_request(request: HttpRequest) -> Pass:
    """That of a request which was let in."""
    token = token_in_header(request.META.get("HTTP_AUTHORIZATION"))
    return Pass(token or "", "" if token else request.session.session_key or "")


def pass_of_scope(scope: Mapping[str, Any]) -> Pass:
    """That of a websocket which was let in."""
    token = token_in_subprotocols(scope.get("subprotocols") or ())
    session = scope.get("session")
    return Pass(token or "", "" if token or session is None else session.session_key or "")
