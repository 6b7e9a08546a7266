"""The other end of a webhook that goes out: a server that answers as it is told to."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

import orjson


class Receiver(ThreadingHTTPServer):
    """Takes an answer off `answers` for each message: a status, "big", "packed" or a location.

    With none left it is 204. `seen` are the headers and bodies that arrived, in order.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[Any] = []
        self.seen: list[tuple[dict[str, str], bytes]] = []
        self.lock = Lock()
        self.hanging = self.most_hanging = 0

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
        if self.path == "/hang":
            self._hang()
        elif answer == "big":
            self._say(200, b"x" * 1_000_000)
        elif answer == "packed":
            self._say(200, b"x", content_encoding="br")
        elif isinstance(answer, str):
            self._say(307, location=answer)
        else:
            self._say(answer)

    def _hang(self) -> None:
        """Until whoever asked has left."""
        with self.server.lock:
            self.server.hanging += 1
            self.server.most_hanging = max(self.server.most_hanging, self.server.hanging)
        with suppress(OSError):
            self.connection.recv(1)
        with self.server.lock:
            self.server.hanging -= 1
        self.close_connection = True

    def _say(self, status: int, body: bytes = b"", **headers: str) -> None:
        try:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
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
            server.shutdown()
