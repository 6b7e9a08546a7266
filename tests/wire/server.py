"""The server: connections, routes, and what is open at the moment."""

import asyncio
import json
from typing import Any

from .anthropic_wire import ANTHROPIC
from .connection import ClientLeft, Connection, Request, WatchfulReader
from .directives import BadDirective
from .exchange import Exchange, now
from .meter import Meter, Record
from .openai_wire import OPENAI
from .protocol import to_json
from .script import Script

HOST = "127.0.0.1"
MODELS = ("gpt-test", "gpt-test-mini", "claude-test")
_JSON = {"content-type": "application/json"}
_PROTOCOLS = {"/v1/chat/completions": OPENAI, "/v1/messages": ANTHROPIC}


class Server:
    """Serves on one event loop; the meter and the script may be used from other threads."""

    def __init__(self, meter: Meter, script: Script) -> None:
        self.meter, self.script = meter, script
        self.scripts: dict[str, Script] = {}  # of those who come with this X-Request-ID
        self._open: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self, port: int = 0) -> int:
        """Listen, and tell the port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._protocol, HOST, port, backlog=1024)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening and end what is open; requests under way are finished as stopped."""
        if self._server:
            self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        self.meter.close()

    def _protocol(self) -> asyncio.StreamReaderProtocol:
        """Prepare for one connection."""
        reader = WatchfulReader()

        def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.ensure_future(self._serve(Connection(reader, writer)))
            self._open.add(task)
            task.add_done_callback(self._open.discard)

        return asyncio.StreamReaderProtocol(reader, connected)

    async def _serve(self, connection: Connection) -> None:
        try:
            while request := await connection.next_request():
                if not await self._answer(request, connection):
                    break
        except ClientLeft:
            pass
        finally:
            await connection.close()

    async def _answer(self, request: Request, connection: Connection) -> bool:
        """Route a request; tell whether the connection may carry another."""
        protocol = _PROTOCOLS.get(request.path)
        if protocol and request.method == "POST":
            script = self.scripts.get(request.headers.get("x-request-id", ""), self.script)
            return await Exchange(protocol, request, connection, self.meter).run(script)
        status, data = self._administer(request)
        await connection.reply(status, _JSON, to_json(data))
        return True

    def _administer(self, request: Request) -> tuple[int, Any]:
        match request.method, request.path:
            case "GET", "/v1/models":
                models = [
                    {"id": id, "object": "model", "created": 0, "owned_by": "wire"} for id in MODELS
                ]
                return 200, {"object": "list", "data": models}
            case "GET", "/meter":
                return 200, [record.as_json() for record in self.meter.records]
            case "DELETE", "/meter":
                self.meter.clear()
                return 200, {}
            case "POST", "/script":
                return self._add_rule(request)
            case "DELETE", "/script":
                self.script.clear()
                return 200, {}
        return self._unknown(request)

    def _add_rule(self, request: Request) -> tuple[int, Any]:
        try:
            self.script.add_json(json.loads(request.body))
        except (BadDirective, ValueError) as error:
            return 400, {"error": str(error)}
        return 200, {}

    def _unknown(self, request: Request) -> tuple[int, Any]:
        """Refuse and meter a path nobody should have asked for."""
        record = Record(
            id=OPENAI.new_id(),
            state="finished",
            path=request.path,
            protocol=None,
            model=None,
            stream=False,
            received_at=now(),
            call=request.headers.get("x-chatter-call"),
            request=request.headers.get("x-request-id"),
            status=404,
            ended="error",
            finished_at=now(),
        )
        self.meter.write(record)
        refusal = OPENAI.refuse("404", record.id, f"Invalid URL ({request.method} {request.path})")
        return refusal.status, refusal.body
