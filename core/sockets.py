"""A socket that watches: it is let in like the REST object, then sent a stream of frames."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from urllib.parse import parse_qs

import orjson
import structlog
from channels.generic.websocket import AsyncWebsocketConsumer

from core.api import as_chatter_error
from core.errors import BadNumber, NotFound, problem

log = structlog.get_logger(__name__)
SUBPROTOCOL = "chatter.v1"
NORMAL = 1000
_CLOSE_CODES = {400: 4400, 401: 4401, 403: 4403, 404: 4404}


class WatchConsumer(AsyncWebsocketConsumer, ABC):
    """Subclasses say what is watched in `stream`; errors leave as the API's error body."""

    @abstractmethod
    def stream(self) -> AsyncIterator[str]:
        """The frames to send, JSON each. Raises ChatterError when the caller may not watch."""

    async def connect(self) -> None:
        # Browsers drop a socket whose offered subprotocol is not echoed; the token never is.
        offered = SUBPROTOCOL in self.scope.get("subprotocols", ())
        await self.accept(SUBPROTOCOL if offered else None)
        self._task = asyncio.get_running_loop().create_task(self._send_all())

    async def disconnect(self, code: int) -> None:
        if (task := getattr(self, "_task", None)) is not None:
            task.cancel()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Watchers only listen."""

    async def _send_all(self) -> None:
        try:
            async for frame in self.stream():
                await self.send(text_data=frame)
            await self.close(NORMAL)
        except Exception as error:
            told = as_chatter_error(error, self.request_id)
            body = {**problem(told, self.request_id), "problem": told.code}
            body["type"] = "error"
            await self.send(text_data=orjson.dumps(body).decode())
            await self.close(_CLOSE_CODES.get(told.status, 1011))

    @property
    def request_id(self) -> str:
        return str(self.scope.get("request_id", ""))

    def query(self, name: str) -> str:
        """A value of the query string; empty when it is not there."""
        values: dict[str, list[str]] = parse_qs(self.scope["query_string"].decode())
        return values.get(name, [""])[0]

    def number(self, name: str) -> int:
        """A non-negative number of the query string, 0 when it is not there. Raises Invalid."""
        text = self.query(name) or "0"
        if not text.isdecimal() or len(text) > 9:  # noqa: PLR2004 - more than any log holds
            raise BadNumber(name=name)
        return int(text)


class NoSuchSocket(WatchConsumer):
    """An address nobody listens at."""

    async def stream(self) -> AsyncIterator[str]:
        raise NotFound
        yield
