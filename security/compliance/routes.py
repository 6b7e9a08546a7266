"""Asks every address as nobody, by Django's own handler, and sees whether it refuses."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.http import HttpResponseBase
from django.shortcuts import resolve_url
from django.test import RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern
from rest_framework.permissions import AllowAny

from security.compliance.check import Finding, judged

# Addresses that answer whoever asks, and why.
PUBLIC = {
    "login/": "where one logs in",
    "logout/": "ends a session, if there is one",
    "api/v1/auth/token/": "where a password buys a token",
    "": "leads to the chat, which asks for a login",
    "hooks/<str:public_id>/": "webhooks; each delivery is signed",
    "admin/logout/": "ends a session, if there is one",
    "api/schema/": "the description of the API",
    "api/docs/": "the description of the API",
    "healthz": "for balancers",
    "readyz": "for balancers",
    "metrics": "absent, or by a token or address of its own",
    "admin/jsi18n/": "words of the admin's scripts",
}
_UNSAFE = ("post", "put", "patch", "delete")
_REFUSED = frozenset({401, 403, 405})
_FOUND = 302
_SAMPLES = {"uuid": "00000000-0000-7000-8000-000000000000", "int": "1"}
_PART = re.compile(r"<(?:(\w+):)?\w+>")
_MOST_TOLD = 20


@dataclass(frozen=True, slots=True)
class Route:
    route: str
    view: Any

    @property
    def path(self) -> str:
        return "/" + _PART.sub(lambda part: _SAMPLES.get(part[1] or "", "x"), self.route)

    @property
    def methods(self) -> list[str]:
        view = getattr(self.view, "cls", None) or getattr(self.view, "view_class", None)
        if view is None:
            return ["get", "post"]
        return [name for name in ("get", *_UNSAFE) if hasattr(view, name)]

    @property
    def lets_in_anybody(self) -> bool:
        """By what its class says."""
        view = getattr(self.view, "cls", None)
        return AllowAny in getattr(view, "permission_classes", ())


def routes() -> Iterator[Route | str]:
    """All of the URLconf; of those that are expressions only what they are."""
    yield from _walk(get_resolver().url_patterns, "")


def look(thorough: bool) -> Finding:
    found = list(routes())
    asked = [one for one in found if isinstance(one, Route) and one.route not in PUBLIC]
    handler, requests = _Handler(), 0
    faults = [f"{one.route} lets in anybody" for one in asked if one.lets_in_anybody]
    for one in asked:
        for method in one.methods:
            requests += 1
            answer = handler.answer(method, one.path)
            if not _refuses(answer):
                faults.append(f"{method.upper()} {one.route} answered {answer.status_code}")
    evidence = {
        "routes": len(found),
        "requests": requests,
        "public": sorted(set(PUBLIC) & {one.route for one in found if isinstance(one, Route)}),
        "not_asked": [one for one in found if isinstance(one, str)],
        "faults": faults[:_MOST_TOLD],
        "fault_count": len(faults),
    }
    good = "Every address that is not public refuses who is not logged in."
    return judged(faults, good, "Some addresses answer who is not logged in.", evidence)


class _Handler(BaseHandler):
    """The way of a request through middleware and URLconf, without a server."""

    def __init__(self) -> None:
        super().__init__()
        self.load_middleware()
        hosts = [one for one in settings.ALLOWED_HOSTS if one[:1] not in {"*", "."}]
        host = next(iter(hosts), "localhost")
        self._factory = RequestFactory(headers={"host": host, "accept": "application/json"})

    def answer(self, method: str, path: str) -> HttpResponseBase:
        secure = settings.SECURE_SSL_REDIRECT
        request = self._factory.generic(
            method.upper(), path, b"{}", content_type="application/json", secure=secure
        )
        # What is asked is who may, not from which form.
        vars(request)["_dont_enforce_csrf_checks"] = True
        return self.get_response(request)


def _refuses(answer: HttpResponseBase) -> bool:
    """By its status, or by sending to the login."""
    if answer.status_code == _FOUND:
        to = str(answer.headers["Location"])
        login = resolve_url(settings.LOGIN_URL)
        return to.startswith((login, "/admin/login/"))
    return answer.status_code in _REFUSED


def _walk(patterns: Any, before: str) -> Iterator[Route | str]:
    for one in patterns:
        if not isinstance(one.pattern, RoutePattern):
            yield f"{before}{one.pattern}"
        elif isinstance(one, URLResolver):
            yield from _walk(one.url_patterns, before + str(one.pattern))
        elif isinstance(one, URLPattern):
            yield Route(before + str(one.pattern), one.callback)
