"""Query parameters of lists and reports: an unknown one is refused, not ignored."""

from collections.abc import Callable, Collection
from functools import wraps
from typing import Any

from django.http import HttpRequest
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.settings import api_settings

from core.errors import Invalid


class UnknownFilter(Invalid):
    """Ignored, it would show everything to somebody who asked for less."""

    code = "unknown_filter"
    message = "There is no filter '{unknown}' here. There are: {known}."


def filters_of(view: Any) -> set[str]:
    """Those of a view with a `filterset_class`, or none; `asks` are parameters it reads itself."""
    filters = getattr(view, "filterset_class", None)
    return {*getattr(view, "asks", ()), *(filters.base_filters if filters else ())}


def refuse_unknown(request: HttpRequest | Request, known: Collection[str]) -> None:
    """Raises UnknownFilter."""
    unknown = set(request.GET) - {*known, api_settings.URL_FORMAT_OVERRIDE}
    if unknown:
        raise UnknownFilter(
            unknown=", ".join(sorted(unknown)), known=", ".join(sorted(known)) or "none"
        )


def strict_query(
    operation: str, parameters: Collection[OpenApiParameter], responses: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Document the query parameters of a GET; any other is refused with UnknownFilter."""
    known = {parameter.name for parameter in parameters}

    def decorate(get: Callable[..., Any]) -> Callable[..., Any]:
        @extend_schema(operation, parameters=[*parameters], responses=responses)
        @wraps(get)
        def strict(view: Any, request: Request, **kwargs: Any) -> Any:
            refuse_unknown(request, known)
            return get(view, request, **kwargs)

        return strict

    return decorate
