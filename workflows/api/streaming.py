"""Event logs as server-sent events."""

import time
from collections.abc import AsyncIterator

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

from accounts.authentication import authenticate_request
from core.api import AsyncAPIView
from workflows.tracking.log import Tail
from workflows.watching.channels import channels
from workflows.watching.cursor import read_cursor
from workflows.watching.streamed import (
    BEAT,
    MEDIA_TYPE,
    event_text,
    said_text,
    stream_channel,
    streaming,
)

STREAM = {
    (200, MEDIA_TYPE): OpenApiResponse(
        str, "Server-sent events: each `data` is one event of a log, as JSON."
    )
}
LAST = OpenApiParameter(
    "Last-Event-ID", str, "header", description="Where to go on: the id of the last event."
)


def wants_stream(request: HttpRequest) -> bool:
    return MEDIA_TYPE in request.headers.get("Accept", "")


def event_stream(tail: Tail) -> StreamingHttpResponse:
    """Stream an open tail to its end and close it; `id:` is the event's number."""
    return streaming(_lines(tail))


async def _lines(tail: Tail) -> AsyncIterator[str]:
    told_at = time.monotonic()
    try:
        async for group in tail.groups():
            if group:
                yield "".join(event_text(frame, str(frame.seq)) for frame in group)
                told_at = time.monotonic()
            elif time.monotonic() - told_at >= settings.LIVE_HEARTBEAT_S:
                yield BEAT
                told_at = time.monotonic()
        yield said_text({"type": "end", "execution": str(tail.execution_id), "seq": tail.seen})
    finally:
        tail.close()


class ChannelEvents(AsyncAPIView):
    """One channel, live; goes on after `Last-Event-ID`. Subclasses say which."""

    channel: str

    async def get(self, request: HttpRequest, pk: str = "") -> HttpResponseBase:
        user = await authenticate_request(request)
        told = request.headers.get("Last-Event-ID") or request.GET.get("after", "")
        cursor = read_cursor(told)
        return await stream_channel(request, user, channels()[self.channel], pk, cursor)


class UserEvents(ChannelEvents):
    """The events of all one's executions, from now on or from where one was."""

    channel = "user"

    @extend_schema("user_events", parameters=[LAST], responses=STREAM)
    async def get(self, request: HttpRequest, pk: str = "") -> HttpResponseBase:
        return await super().get(request, pk)
