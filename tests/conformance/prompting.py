"""The tool `scripted` in a worker: it asks the test, over HTTP, what it is to say."""

import asyncio
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.request import urlopen

from tests.conformance.case import ToolAnswer
from tests.conformance.scripted import Lines, Scripted
from tools.base import ToolContext


class Prompted(Scripted):
    """In the worker: a plug-in that `CHATTER_TOOL_PLUGINS` names."""

    async def answer(self, context: ToolContext) -> ToolAnswer:
        address = f"{os.environ['CONFORMANCE_PROMPTER']}/{context.request_id}/{context.call_id}"
        return ToolAnswer.model_validate_json(await asyncio.to_thread(_read, address))


class Prompter(ThreadingHTTPServer):
    """In the test: has the lines of all cases, by their request ids."""

    daemon_threads = True

    def __init__(self, lines: Mapping[str, Lines]) -> None:
        super().__init__(("127.0.0.1", 0), _Asked)
        self.lines = lines
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class _Asked(BaseHTTPRequestHandler):
    server: Prompter

    def do_GET(self) -> None:
        request, call = self.path.strip("/").split("/")
        told = self.server.lines[request].next(call).model_dump_json().encode()
        self.send_response(200)
        self.send_header("content-length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def prompter(lines: Mapping[str, Lines]) -> Iterator[str]:
    """Gives its address."""
    with Prompter(lines) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield server.url
        finally:
            server.shutdown()


def _read(address: str) -> bytes:
    with urlopen(address, timeout=10) as told:  # noqa: S310 - of the test
        return bytes(told.read())
