"""The other end of a webhook that goes out: a server that answers as it is told to."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import orjson


class Receiver(ThreadingHTTPServer):
    """Takes an answer off `answers` for each message: a status, "hang", "big" or a location.

    With none left it is 204. `seen` are the headers and bodies that arrived, in order.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[Any] = []
        self.seen: list[tuple[dict[str, str], bytes]] = []
        self.done = Event()

    def url(self, path: str = "/in") -> str:
        return f"http://127.0.0.1:{self.server_address[1]}{path}"

    @property
    def told(self) -> list[dict[str, Any]]:
        return [orjson.loads(body) for _, body in self.seen]

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.seen]


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        if self.path == "/elsewhere":
            headers["webhook-id"] = "elsewhere"
        self.server.seen.append((headers, body))
        answer = self.server.answers.pop(0) if self.server.answers else 204
        if self.path == "/hang" or answer == "hang":
            self.server.done.wait(10)
            answer = 204
        if answer == "big":
            self._say(200, b"x" * 100_000)
        elif isinstance(answer, str):
            self._say(307, location=answer)
        else:
            self._say(answer)

    def _say(self, status: int, body: bytes = b"", **headers: str) -> None:
        try:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def receiving() -> Iterator[Receiver]:
    with Receiver() as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield server
        finally:
            server.done.set()
            server.shutdown()
