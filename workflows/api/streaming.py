"""Event logs as server-sent events."""

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

from accounts.authentication import authenticate_request
from core.api import AsyncAPIView
from core.queries import refuse_unknown
from workflows.watching.channels import channels
from workflows.watching.cursor import read_cursor
from workflows.watching.streamed import MEDIA_TYPE, stream_channel

STREAM: dict[Any, Any] = {
    (200, MEDIA_TYPE): OpenApiResponse(
        str, "Server-sent events: each `data` is one event of a log, as JSON."
    )
}
_WHERE = "Where to go on: the id of the last event."
LAST = [
    OpenApiParameter("Last-Event-ID", str, "header", description=_WHERE),
    OpenApiParameter("after", str, description="The same, of a client that sends no headers."),
]


def wants_stream(request: HttpRequest) -> bool:
    return MEDIA_TYPE in request.headers.get("Accept", "").lower()


class ChannelEvents(AsyncAPIView):
    """One channel, live; goes on after `Last-Event-ID`. Subclasses say which.

    `asks` are the query parameters it has.
    """

    channel: str
    asks: tuple[str, ...] = ("after",)

    async def get(self, request: HttpRequest, pk: str = "") -> HttpResponseBase:
        user = await authenticate_request(request)
        refuse_unknown(request, self.asks)
        told = request.headers.get("Last-Event-ID") or request.GET.get("after", "")
        cursor = read_cursor(told)
        return await stream_channel(request, user, channels()[self.channel], pk, cursor)


class UserEvents(ChannelEvents):
    """The events of all your executions, from now on or from where you were."""

    channel = "user"

    @extend_schema("user_events", parameters=LAST, responses=STREAM)
    async def get(self, request: HttpRequest, pk: str = "") -> HttpResponseBase:
        return await super().get(request, pk)
