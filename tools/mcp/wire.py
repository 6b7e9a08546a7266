"""HTTP as sessions of MCP servers use it: guarded, bounded, and open about what went wrong.

The client library answers a broken request with silence; here whoever waits is woken.
"""

import re
from collections.abc import AsyncIterator

import httpx
import orjson

from core.egress import ResponseTooLarge
from core.errors import ChatterError
from core.packed import BadEncoding
from tools.mcp.trouble import Trouble

MAX_BYTES = 4_000_000
_ACCEPTED = 202  # what is no question has no answer, which this says
_FAREWELL_S = 2.0  # a session's end is told, but not waited for long
_NUMBERED = re.compile(rb"[\r\n]id:")  # an event, after which a stream can be taken up again
_PLACE = re.compile(rb"[\r\n]id: ?([^\r\n]+)[\r\n]")
_LONGEST_PLACE = 200
_TRIES = 2  # in a row to take a stream up again; then the client library is silent


class ServerAnswered(ChatterError):
    """Its own words are not repeated: they may be a whole page, or a secret."""

    code = "mcp_http_error"
    status = 502
    message = "The MCP server answered with HTTP {status}."


class Wire(Trouble, httpx.AsyncBaseTransport):
    """The transport of one session; its responses together have a limit. Not for reuse.

    `in_place`: what is asked is answered in the response to it, not on a stream of its own.
    """

    def __init__(
        self,
        way_out: httpx.AsyncBaseTransport,
        max_bytes: int = MAX_BYTES,
        *,
        in_place: bool = True,
    ) -> None:
        super().__init__()
        self._way_out = way_out
        self._in_place = in_place
        self._limit = max_bytes
        self._left = max_bytes
        self._failed: dict[str, int] = {}  # by where an answer can be taken up again

    def client(
        self,
        headers: dict[str, str] | None = None,
        timeout: httpx.Timeout | None = None,
        auth: httpx.Auth | None = None,
    ) -> httpx.AsyncClient:
        """A factory as the client library wants it."""
        return httpx.AsyncClient(
            transport=self, headers=headers, timeout=timeout, auth=auth, trust_env=False
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        # A few packed bytes may stand for gigabytes.
        request.headers["accept-encoding"] = "identity"
        if request.method == "DELETE":
            request.extensions["timeout"] = httpx.Timeout(_FAREWELL_S).as_dict()
        try:
            response = await self._way_out.handle_async_request(request)
            if response.headers.get("content-encoding", "identity") != "identity":
                raise BadEncoding
        except (ChatterError, httpx.HTTPError) as error:
            raise self._noted(error, self._is_last(request, failed=True)) from None
        if self._is_last(request, failed=response.is_error) and response.is_error:
            self.note(ServerAnswered(status=response.status_code))
        if response.status_code == _ACCEPTED and self._in_place and await _asks(request):
            self.miss()
        answers = self._in_place and request.method == "POST" and not response.is_redirect
        counted = httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=_Counted(self, response, answers),
            extensions=response.extensions,
        )
        counted.encoding = "utf-8"  # what it says may be one that takes minutes to read
        return counted

    async def aclose(self) -> None:
        await self._way_out.aclose()

    def leave_off(self, place: str) -> None:
        """What is asked may be answered by going on after this event."""
        self._failed.setdefault(place, 0)

    def take(self, count: int) -> None:
        """Count what has arrived. Raises ResponseTooLarge."""
        self._left -= count
        if self._left < 0:
            raise self._noted(ResponseTooLarge(limit=self._limit), True)

    def _is_last(self, request: httpx.Request, *, failed: bool) -> bool:
        """Whether nobody asks again for the answer, if this failed."""
        place = request.headers.get("last-event-id")
        if place in self._failed:
            self._failed[place] = self._failed[place] + 1 if failed else 0
            return self._failed[place] >= _TRIES
        return request.method == "POST"

    def _noted(self, error: Exception, fatal: bool) -> Exception:
        if fatal:
            self.note(error)
        return error


async def _asks(request: httpx.Request) -> bool:
    """Whether it holds a question, which has an id."""
    content = await request.aread()  # of what was redirected, nobody has read it yet
    said = orjson.loads(content) if content else None
    return isinstance(said, dict) and {"id", "method"} <= said.keys()


class _Counted(httpx.AsyncByteStream):
    """Where an answer has come, the client library reads no further: at an end there was none."""

    def __init__(self, wire: Wire, response: httpx.Response, answer: bool) -> None:
        assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - as httpx says
        self._wire = wire
        self._stream = response.stream
        self._missing = self._answer = answer
        self._events = response.headers.get("content-type", "").startswith("text/event-stream")
        self._seen = b"\n"

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._stream:
                self._wire.take(len(chunk))
                self._look_at(chunk)
                yield chunk
        except httpx.HTTPError as error:
            if self._missing:
                self._wire.miss(error)
            raise
        if self._missing:
            self._wire.miss()

    async def aclose(self) -> None:
        await self._stream.aclose()

    def _look_at(self, chunk: bytes) -> None:
        """What is no stream of events is read to its end; of one, the rest may come elsewhere."""
        seen = self._seen + chunk
        if self._missing and (_NUMBERED.search(seen) if self._events else chunk):
            self._missing = False
        if self._answer and self._events:
            for place in _PLACE.findall(seen):
                self._wire.leave_off(place.decode("utf-8", "replace"))
        self._seen = seen[-_LONGEST_PLACE:]
