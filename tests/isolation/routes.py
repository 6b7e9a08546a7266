"""Every address of the server, as its URLconf knows it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.contrib.admindocs.views import simplify_regex
from django.urls import URLPattern, get_resolver
from django.urls.resolvers import RegexPattern

from core.api import AsyncAPIView

VERBS = ("get", "post", "put", "patch", "delete")
_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True, slots=True)
class Route:
    """One pattern: its address, as "api/v1/executions/<str:pk>/cancel/", and what answers there."""

    address: str
    callback: Any

    @property
    def parameters(self) -> list[str]:
        return _PARAMETER.findall(self.address)

    @property
    def verbs(self) -> tuple[str, ...]:
        """Those a class answers; a function is asked with each of them."""
        view = getattr(self.callback, "cls", None)
        return tuple(one for one in VERBS if view is None or hasattr(view, one))

    def url(self, values: dict[str, Any]) -> str:
        """Where it is with these values in the places of its parameters."""
        return "/" + _PARAMETER.sub(lambda found: str(values[found[1]]), self.address)

    @property
    def streams(self) -> bool:
        """Whether it gives events as they come."""
        view = getattr(self.callback, "cls", None)
        return (
            self.address.endswith("events/") and view is not None and issubclass(view, AsyncAPIView)
        )

    @property
    def shape(self) -> str:
        """The address with its parameters unnamed: as the OpenAPI document may name them else."""
        return shape_of("/" + self.address)


def shape_of(address: str) -> str:
    return re.sub(r"<[^>]*>|\{[^}]*\}", "{}", address)


@lru_cache(maxsize=1)
def routes() -> tuple[Route, ...]:
    return tuple(_walk(get_resolver().url_patterns, ""))


def _walk(patterns: Any, prefix: str) -> Iterator[Route]:
    for one in patterns:
        if isinstance(one, URLPattern):
            yield Route(prefix + _written(one.pattern), one.callback)
        else:
            yield from _walk(one.url_patterns, prefix + _written(one.pattern))


def _written(pattern: Any) -> str:
    return (
        str(simplify_regex(str(pattern)))[1:] if isinstance(pattern, RegexPattern) else str(pattern)
    )


def route_at(path: str) -> Route:
    """The route of a documented address, whose parameters may have other names there."""
    return next(one for one in routes() if one.shape == shape_of(path))
