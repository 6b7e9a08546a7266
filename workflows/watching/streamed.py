"""A channel as server-sent events: the same news as over a websocket, in an HTTP response."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any

import orjson
from django.conf import settings
from django.http import HttpRequest, StreamingHttpResponse

from accounts.connections import TooManyConnections, connections
from accounts.models import User
from accounts.passes import pass_of_request
from core.api import as_chatter_error
from core.errors import problem
from core.events import Going
from core.outlets import Outlet, Room, stream_outlet
from workflows.tracking.frames import Frame
from workflows.watching.channels import Channel, Opening
from workflows.watching.cursor import Cursor
from workflows.watching.feed import Batch
from workflows.watching.patience import patiently
from workflows.watching.positions import Positions
from workflows.watching.staying import first_of, stay

MEDIA_TYPE = "text/event-stream"
BEAT = ":\n"
# Proxies that hold back the first kilobytes of an answer get them; then when to come back.
_PROLOGUE = f":{' ' * 2048}\nretry: 1000\n"


def event_text(frame: Frame, place: str) -> str:
    return f"id: {place}\nevent: {frame.type}\ndata: {frame.text}\n\n"


def said_text(body: dict[str, Any]) -> str:
    """What is no event of a log; without an id, so that a client goes on after the last event."""
    return f"event: {body['type']}\ndata: {orjson.dumps(body).decode()}\n\n"


def streaming(content: Any) -> StreamingHttpResponse:
    response = StreamingHttpResponse(content, content_type=MEDIA_TYPE)
    response.headers["Cache-Control"] = "no-store, no-transform"
    response.headers["X-Accel-Buffering"] = "no"
    return response


class Streamed:
    """A sink: what the response is to say next; behind when too much waits to be said."""

    def __init__(self, *, of_one: bool) -> None:
        self._of_one = of_one
        self._texts: deque[str] = deque()
        self._room = Room(settings.LIVE_BEHIND)
        self._put = asyncio.Event()
        self._taken = asyncio.Event()
        self._taken.set()
        self._ended = False

    @property
    def over(self) -> bool:
        """All was said, and all of it taken."""
        return self._ended and not self._texts

    @property
    def ready(self) -> bool:
        return not self._room.full

    async def drained(self) -> None:
        await self._taken.wait()

    def place(self, positions: Positions, frame: Frame) -> str:
        return str(frame.seq) if self._of_one else positions.cursor(frame)

    def put(self, batch: Batch, places: Sequence[str]) -> None:
        self._add(map(event_text, batch.frames, places))

    def say(self, body: dict[str, Any]) -> None:
        self._add([said_text(body)])

    def end(self) -> None:
        self._ended = True
        self._put.set()

    async def take(self, timeout_s: float) -> str:
        """All there is to say; nothing after so long."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._put.wait()
        except TimeoutError:
            return ""
        text = "".join(self._texts)
        self._texts.clear()
        self._room = Room(settings.LIVE_BEHIND)
        if not self._ended:
            self._put.clear()
        self._taken.set()
        return text

    def _add(self, texts: Any) -> None:
        for text in texts:
            self._texts.append(text)
            self._room.take(text)
        self._put.set()
        if not self.ready:
            self._taken.clear()


class ChannelStream:
    """The content of one response. Counted as a connection until it is closed."""

    def __init__(
        self, request: HttpRequest, user: User, channel: Channel, pk: str, opening: Opening
    ) -> None:
        self._request, self._user = request, user
        self._channel, self._pk, self._opening = channel, pk, opening
        self._counted = False
        try:
            connections.take(user.pk)
        except TooManyConnections:
            self.close()
            raise
        self._counted = True

    def close(self) -> None:
        """Django calls it in any case, also when nobody began to read."""
        self._opening.close()
        if self._counted:
            self._counted = False
            connections.give_back(self._user.pk)

    async def __aiter__(self) -> AsyncIterator[str]:
        sink = Streamed(of_one=self._channel.named and not self._opening.snapshot)
        outlet: Outlet = stream_outlet(getattr(self._request, "scope", {}))
        task = asyncio.ensure_future(self._tell(sink))
        try:
            if self._request.method == "GET":  # so an EventSource, which comes back
                yield _PROLOGUE
            async for text in _spoken(sink, outlet):
                yield text
        finally:
            task.cancel()
            await outlet.close()

    async def _tell(self, sink: Streamed) -> None:
        let_in_by = pass_of_request(self._request)
        try:
            await first_of(self._watch(sink), stay(let_in_by, self._user, self._look))
        except Going:
            sink.say({"type": "going"})
        except Exception as error:
            request_id = getattr(self._request, "request_id", "")
            told = problem(as_chatter_error(error, request_id), request_id)
            sink.say({"type": "problem", "problem": told})
        finally:
            sink.end()

    async def _watch(self, sink: Streamed) -> None:
        if self._opening.snapshot:
            named = {"id": self._pk} if self._channel.named else {}
            told = {"type": "subscribed", "channel": self._channel.key, **named}
            sink.say({**told, **self._opening.snapshot})
        last = await self._opening.watch(sink)
        if last is not None:
            sink.say(last)

    async def _look(self, user: User) -> None:
        await patiently(partial(self._channel.check, user, self._pk))


async def _spoken(sink: Streamed, outlet: Outlet) -> AsyncIterator[str]:
    """What is put into the sink, with a beat where there is nothing; ends when nothing comes."""
    silent_s = 0.0
    while True:
        await outlet.drained()
        text = await sink.take(settings.LIVE_HEARTBEAT_S)
        silent_s = 0.0 if text else silent_s + settings.LIVE_HEARTBEAT_S
        if silent_s >= settings.LIVE_IDLE_S:
            yield said_text({"type": "going"})
            return
        yield text or BEAT
        if sink.over:
            return


async def stream_channel(
    request: HttpRequest, user: User, channel: Channel, pk: str, cursor: Cursor
) -> StreamingHttpResponse:
    """Raises what `Channel.open` raises, and TooManyConnections."""
    opening = await patiently(channel.open, user, pk, cursor)
    return streaming(ChannelStream(request, user, channel, pk, opening))
