"""`Idempotency-Key`: the same key and the same request are one, however often it is sent."""

from datetime import timedelta

from django.http import HttpRequest
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from core.errors import Conflict, Invalid

KEY = OpenApiParameter(
    "Idempotency-Key", str, "header", description="The same key and body are one request."
)
KEPT = timedelta(hours=24)  # at least
_CHARACTERS = 255


class BadIdempotencyKey(Invalid):
    code = "bad_idempotency_key"
    message = "An Idempotency-Key has 1 to 255 printable characters."


class IdempotencyKeyReused(Conflict):
    code = "idempotency_key_reused"
    message = "This Idempotency-Key was used for another request."


def idempotency_key(request: HttpRequest | Request) -> str | None:
    """What the client sent. Raises BadIdempotencyKey."""
    key: str | None = request.headers.get("Idempotency-Key")
    return key if key is None else checked_key(key)


def checked_key(key: str) -> str:
    """Raises BadIdempotencyKey."""
    if not 1 <= len(key) <= _CHARACTERS or not key.isprintable():
        raise BadIdempotencyKey
    return key
