"""The event log as server-sent events."""

from collections.abc import AsyncIterator

from django.http import HttpRequest, StreamingHttpResponse

from workflows.consumers import end_frame
from workflows.tracking.frames import Frame
from workflows.tracking.log import Tail

MEDIA_TYPE = "text/event-stream"


def wants_stream(request: HttpRequest) -> bool:
    return MEDIA_TYPE in request.headers.get("Accept", "")


def event_stream(tail: Tail) -> StreamingHttpResponse:
    """Stream an open tail to its end and close it; `id:` is the event's number."""
    response = StreamingHttpResponse(_lines(tail), content_type=MEDIA_TYPE)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    return response


async def _lines(tail: Tail) -> AsyncIterator[str]:
    try:
        async for group in tail.groups():
            yield "".join(_event(frame) for frame in group)
        yield f"event: end\ndata: {end_frame(tail.execution_id, tail.seen)}\n\n"
    finally:
        tail.close()


def _event(frame: Frame) -> str:
    return f"id: {frame.seq}\nevent: {frame.type}\ndata: {frame.text}\n\n"
