"""What a list may be asked: a filter that it does not have is refused, not passed over."""

from typing import Any

from rest_framework.request import Request
from rest_framework.settings import api_settings

from core.errors import Invalid


class UnknownFilter(Invalid):
    """Everything would be listed where less was asked for."""

    code = "unknown_filter"
    message = "This list has no filter '{unknown}'. It has: {known}."


def refuse_unknown(request: Request, view: Any, *also: str) -> None:
    """Of a view with a `filterset_class`, or none; `asks` are parameters it reads itself.

    Raises UnknownFilter.
    """
    filters = getattr(view, "filterset_class", None)
    known = {*also, *getattr(view, "asks", ()), *(filters.base_filters if filters else ())}
    unknown = set(request.query_params) - known - {api_settings.URL_FORMAT_OVERRIDE}
    if unknown:
        raise UnknownFilter(unknown=", ".join(sorted(unknown)), known=", ".join(sorted(known)))
