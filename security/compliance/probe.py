"""Sends requests through Django's own handler, without a server."""

from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.http import HttpResponseBase
from django.shortcuts import resolve_url
from django.test import RequestFactory

from accounts.models import User
from audit.middleware import UNSENT

_REFUSED = frozenset({401, 403, 405})
_FOUND = 302


class Probe(BaseHandler):
    """A request goes through middleware and URLconf as if a server had received it."""

    def __init__(self) -> None:
        super().__init__()
        self.load_middleware()
        # A name behind a dot stands for itself, too.
        hosts = [one.removeprefix(".") for one in settings.ALLOWED_HOSTS if one != "*"]
        host = next(iter(hosts), "localhost")
        self._factory = RequestFactory(headers={"host": host, "accept": "application/json"})

    def answer(self, method: str, path: str, user: User | None = None) -> HttpResponseBase:
        """As this user, who needs neither a session nor a row; None: anonymously."""
        secure = settings.SECURE_SSL_REDIRECT
        request = self._factory.generic(
            method.upper(), path, b"{}", content_type="application/json", secure=secure
        )
        # What is asked is who may, not from which form.
        vars(request).update({"_dont_enforce_csrf_checks": True, UNSENT: True})
        if user is not None:
            # Where Django, its asynchronous half and DRF look before they ask a session.
            known = ("_cached_user", "_acached_user", "_force_auth_user")
            vars(request).update(dict.fromkeys(known, user))
        return self.get_response(request)


def refuses(answer: HttpResponseBase) -> bool:
    """By its status, or by sending to the login."""
    if answer.status_code == _FOUND:
        to = str(answer.headers["Location"])
        login = resolve_url(settings.LOGIN_URL)
        return to.startswith((login, "/admin/login/"))
    return answer.status_code in _REFUSED
