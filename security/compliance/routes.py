"""Asks every address as nobody, by Django's own handler, and sees whether it refuses."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern
from rest_framework.permissions import AllowAny

from security.compliance.check import Finding, judged
from security.compliance.probe import Probe, refuses

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
_SAMPLES = {"uuid": "00000000-0000-7000-8000-000000000000", "int": "1"}
_PART = re.compile(r"<(?:(\w+):)?\w+>")
_MOST_TOLD = 20


@dataclass(frozen=True, slots=True)
class Route:
    route: str
    view: Any

    @property
    def path(self) -> str:
        return self.path_of(None)

    def path_of(self, key: Any) -> str:
        """With this for its first parameter; None, and all others: what fits, and is nothing's."""
        first = _PART.sub(str(key), self.route, count=1) if key is not None else self.route
        return "/" + _PART.sub(lambda part: _SAMPLES.get(part[1] or "", "x"), first)

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
    probe, requests = Probe(), 0
    faults = [f"{one.route} lets in anybody" for one in asked if one.lets_in_anybody]
    for one in asked:
        for method in one.methods:
            requests += 1
            answer = probe.answer(method, one.path)
            if not refuses(answer):
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


def _walk(patterns: Any, before: str) -> Iterator[Route | str]:
    for one in patterns:
        if not isinstance(one.pattern, RoutePattern):
            yield f"{before}{one.pattern}"
        elif isinstance(one, URLResolver):
            yield from _walk(one.url_patterns, before + str(one.pattern))
        elif isinstance(one, URLPattern):
            yield Route(before + str(one.pattern), one.callback)
