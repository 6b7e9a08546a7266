"""A server of MCP on this machine, and ways to register one."""

import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from tools.models import McpServer

Register = Callable[..., McpServer]


class Running:
    """`offers` is the server itself, to change what it offers; `charset` is what it says it writes.

    The library is big, and only the process that gets these tests is to load it.
    """

    def __init__(self) -> None:
        import uvicorn  # noqa: PLC0415

        from tests.tools.remote.server import made  # noqa: PLC0415

        self.hanging = threading.Event()
        self.offers: Any = made(self.hanging)
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.charset = ""
        self._door = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._door.getsockname()[1]}"
        app = self.offers.streamable_http_app()
        app.router.routes.extend(self.offers.sse_app().routes)
        config = uvicorn.Config(self._noting(app), log_level="critical", lifespan="on")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._door],), daemon=True)

    def _noting(self, app: Any) -> Any:
        async def noting(scope: Any, receive: Any, send: Any) -> None:
            async def said(message: Any) -> None:
                kinds = [pair for pair in message.get("headers", ()) if pair[0] == b"content-type"]
                if self.charset and kinds:
                    told = kinds[0][1].partition(b";")[0] + b"; charset=" + self.charset.encode()
                    others = [pair for pair in message["headers"] if pair not in kinds]
                    message = {**message, "headers": [*others, (b"content-type", told)]}
                await send(message)

            if scope["type"] == "http":
                headers = {name.decode(): value.decode() for name, value in scope["headers"]}
                self.requests.append((scope["method"], headers))
            await app(scope, receive, said)

        return noting

    def start(self) -> None:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)

    def stop(self) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(5)
        self._door.close()


@pytest.fixture(scope="package")
def shared_server() -> Iterator[Running]:
    running = Running()
    running.start()
    yield running
    running.stop()


@pytest.fixture
def running(shared_server: Running, settings: Any) -> Running:
    """May be reached from here, and speaks over stdio too."""
    settings.CHATTER_EGRESS_ALLOW = ["127.0.0.1"]
    settings.CHATTER_MCP_COMMANDS = {
        "here": [sys.executable, "-m", "tests.tools.remote.process"],
        "gone": ["/there/is/no/such/program"],
        "leaving": [sys.executable, "-c", "print('not the protocol')"],
    }
    shared_server.requests.clear()
    shared_server.charset = ""
    shared_server.hanging.clear()
    return shared_server


@pytest.fixture
def office(admin: User, api: Callable[[User], APIClient]) -> APIClient:
    return api(admin)


@pytest.fixture
def register(office: APIClient, running: Running) -> Register:
    """Register a server over the API; it is asked for its tools unless told otherwise."""

    def registered(refresh: bool = True, **fields: Any) -> McpServer:
        body = {"name": "near", "url": f"{running.address}/mcp", **fields}
        response = office.post("/api/v1/mcp-servers/", body)
        assert response.status_code == 201, response.json()
        pk = response.json()["id"]
        if refresh:
            told = office.post(f"/api/v1/mcp-servers/{pk}/refresh/").json()
            assert told["health"]["error"] is None, told
        return McpServer.objects.get(pk=pk)

    return registered
