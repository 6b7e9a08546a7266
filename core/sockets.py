"""Websockets: authenticated like requests, errors in the same form, sent at the client's pace."""

import asyncio
from abc import ABC, abstractmethod
from typing import Any
from urllib.parse import parse_qs
from weakref import WeakSet

import orjson
import structlog
from channels.generic.websocket import AsyncWebsocketConsumer

from core.api import as_chatter_error
from core.errors import BadNumber, ChatterError, NotFound, Refused, problem
from core.events import Going
from core.outlets import Parcel, SocketOutlet, socket_outlet
from core.signals import socket_refused

log = structlog.get_logger(__name__)
SUBPROTOCOL = "chatter.v1"
NORMAL, GOING, FAILED = 1000, 4503, 4500
_CLOSE_CODES = {400: 4400, 401: 4401, 403: 4403, 404: 4404, 429: 4429}
_open: WeakSet["Socket"] = WeakSet()


class Socket(AsyncWebsocketConsumer, ABC):
    """Open for as long as `serve` runs; what it raises is sent before the socket is closed."""

    channel_layer_alias = ""  # none: the bell hears for all, and a socket opens without Redis too
    outlet: SocketOutlet
    _task: asyncio.Task[None] | None = None

    @abstractmethod
    async def serve(self) -> None:
        """Everything there is to do. Raises ChatterError when the caller may not stay."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """However it ends, by the client or by a server that waits no longer, `serve` ends too."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            _open.discard(self)
            if self._task is not None:
                self._task.cancel()

    async def connect(self) -> None:
        # Browsers drop a socket whose offered subprotocol is not echoed; the token never is.
        offered = SUBPROTOCOL in self.scope.get("subprotocols", ())
        await self.accept(SUBPROTOCOL if offered else None)
        self.outlet = socket_outlet(self.scope, self.send)
        _open.add(self)
        self._task = asyncio.get_running_loop().create_task(self._serve())

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Those who only watch are not listened to."""

    def say(self, body: dict[str, Any]) -> None:
        self.outlet.write(Parcel([orjson.dumps(body).decode()]))

    def chatter_error(self, error: Exception) -> ChatterError:
        """The error as the client sees it; sends `socket_refused`."""
        shown = as_chatter_error(error, self.request_id)
        socket_refused.send(sender=type(self), scope=self.scope, error=shown)
        return shown

    def going(self) -> None:
        """Say that the server stops, or will not serve this socket any longer."""
        self.say({"type": "going"})

    async def leave(self, code: int) -> None:
        await self.outlet.close()
        await self.close(code)

    async def _serve(self) -> None:
        try:
            if self.scope.get("other_site"):
                raise OtherSite
            await self.serve()
            await self.leave(NORMAL)
        except Going:
            self.going()
            await self.leave(GOING)
        except Exception as error:
            refused = self.chatter_error(error)
            self.say(self.error_body(refused))
            await self.leave(_CLOSE_CODES.get(refused.status, FAILED))

    def error_body(self, error: ChatterError) -> dict[str, Any]:
        """The last frame of a socket that is closed for this."""
        body = {**problem(error, self.request_id), "problem": error.code}
        return {**body, "type": "error"}

    @property
    def request_id(self) -> str:
        return str(self.scope.get("request_id", ""))

    def query(self, name: str) -> str:
        """A value of the query string; empty when it is not there."""
        written = self.scope["query_string"].decode("utf-8", "replace")
        values: dict[str, list[str]] = parse_qs(written)
        return values.get(name, [""])[0]

    def number(self, name: str) -> int:
        """A non-negative number of the query string, 0 when it is not there. Raises Invalid."""
        text = self.query(name) or "0"
        if not text.isdecimal() or len(text) > 9:  # noqa: PLR2004 - more than any log holds
            raise BadNumber(name=name)
        return int(text)


async def say_goodbye() -> None:
    """Tell every open socket that the server stops, and close it."""
    leaving = list(_open)
    for socket in leaving:
        if socket._task is not None:
            socket._task.cancel()
        socket.going()
    await asyncio.gather(*(socket.leave(GOING) for socket in leaving), return_exceptions=True)


class NoSuchSocket(Socket):
    """An address nobody listens at."""

    async def serve(self) -> None:
        raise NotFound


class OtherSite(Refused):
    """A page asks that is not ours. It is let in to be told so: a browser keeps a refusal to
    itself, and the page would try for ever.
    """

    code = "other_site"
    message = "Pages of this site may not open a socket here."
