"""ETag and If-Match of what counts its changes."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from core.errors import Invalid

IF_MATCH = OpenApiParameter(
    "If-Match", str, "header", description="The ETag that was told when this was read."
)

_MOST_DIGITS = 9


class BadRevision(Invalid):
    code = "bad_revision"
    message = 'If-Match holds the ETag that was told when this was read, such as "3".'


def etag(row: Any) -> dict[str, str]:
    """The header that tells at which revision a row is."""
    return {"ETag": f'"{row.revision}"'}


def if_match(request: Request) -> dict[str, int]:
    """The revision a change is of, as the argument of a service; empty: any. Raises BadRevision."""
    text = request.headers.get("If-Match", "*").strip().removeprefix("W/").strip('"')
    if text == "*":
        return {}
    return {"revision": revision_in(text)}


def revision_in(text: str) -> int:
    """Raises BadRevision."""
    if not text.isdecimal() or len(text) > _MOST_DIGITS:
        raise BadRevision
    return int(text)
