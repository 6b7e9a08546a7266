"""A web server of this machine, for tests of what goes out."""

import gzip
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any


@cache
def bomb() -> bytes:
    """50 MB, in 50 kB."""
    return gzip.compress(b"0" * 50_000_000)


class Web(ThreadingHTTPServer):
    """Answers by path, and remembers who asked what."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        self.stop = Event()
        self.held = Event()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"


class _Handler(BaseHTTPRequestHandler):
    server: Web

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.seen.append((self.command, self.path, headers, body))
        kind, _, rest = self.path[1:].partition("/")
        try:
            getattr(self, f"_{kind}")(rest)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _say(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _hello(self, _: str) -> None:
        self._say("Grüße".encode("latin-1"), content_type="text/plain; charset=latin-1")

    def _raw(self, what: str) -> None:
        """These bytes, of this kind: `/raw/text/html/3c70`."""
        kind, _, content = what.rpartition("/")
        self._say(bytes.fromhex(content), content_type=kind)

    def _said(self, charset: str) -> None:
        """A page that says to be in this character set, and would take long to read in some."""
        page = f"Grüße{'a' * 150_000}-{'a' * 150_000}"
        kind = f"text/plain; charset{'' if '=' in charset else '='}{charset}"
        self._say(page.encode(), content_type=kind)

    def _status(self, code: str) -> None:
        self._say(b"no", int(code), content_type="text/plain")

    def _no(self, _: str) -> None:
        self._say(b"no", 400, content_type="text/plain", location="http://a:b/")

    def _html(self, _: str) -> None:
        page = "<html><head><title>T</title><script>x()</script></head><p>One<p>Two &amp; three"
        self._say(page.encode(), content_type="text/html")

    def _script(self, length: str) -> None:
        page = f"<script>{'x' * int(length)}</script><p>Here"
        self._say(page.encode(), content_type="text/html")

    def _json(self, _: str) -> None:
        self._say(b'{"items": [1, 2], "next": null}', content_type="application/json")

    def _cyrillic(self, length: str) -> None:
        said = json.dumps({"said": "ж" * int(length)}, ensure_ascii=False)
        self._say(said.encode(), content_type="application/json")

    def _echo(self, _: str) -> None:
        """What was asked, in its headers, its text and its JSON."""
        _, path, headers, body = self.server.seen[-1]
        told = {"path": path, "headers": headers, "body": body.decode()}
        proof = headers.get("authorization", "none")
        self._say(json.dumps(told).encode(), content_type="application/json", etag=proof)

    def _hold(self, _: str) -> None:
        """Answers when the test lets it."""
        self.server.held.wait(10)
        self._say(b"at last", content_type="text/plain")

    def _nul(self, _: str) -> None:
        self._say(b"a\0b", content_type="text/plain")

    def _binary(self, _: str) -> None:
        self._say(bytes(range(256)), content_type="image/png")

    def _to(self, location: str) -> None:
        self._say(b"", 302, location=location)

    def _typed(self, _: str) -> None:
        """An answer of a kind that is called like the caller's key."""
        key = self.server.seen[-1][2]["x-key"]
        self._say(b"?", content_type=f"Application/{key}")

    def _named(self, _: str) -> None:
        """What was asked for is at a host that is called like the caller's key."""
        key = self.server.seen[-1][2]["x-key"]
        self._say(b"", 302, location=f"http://{key}.invalid/")

    def _keep(self, location: str) -> None:
        self._say(b"", 307, location=location)

    def _round(self, _: str) -> None:
        self._say(b"", 302, location="/round/")

    def _bomb(self, _: str) -> None:
        self._say(bomb(), content_encoding="gzip")

    def _gzip(self, coding: str) -> None:
        self._say(gzip.compress(b"small"), content_encoding=coding or "gzip")

    def _torn(self, left: str) -> None:
        """The first bytes of what is packed."""
        self._say(gzip.compress(b"small" * 1_000)[: int(left)], content_encoding="gzip")

    def _coded(self, coding: str) -> None:
        self._say(b"???", content_encoding=coding)

    def _model(self, what: str) -> None:
        """A provider that sends more than anybody could use."""
        status, kind, _ = what.split("/", 2)
        self.send_response(int(status))
        self.send_header("content-type", "text/event-stream" if kind == "line" else "text/plain")
        if kind == "packed":
            self.send_header("content-encoding", "gzip")
        self.end_headers()
        self.wfile.write(b"" if kind == "packed" else b"data: ")
        while not self.server.stop.is_set():
            self.wfile.write(bomb() if kind == "packed" else b"x" * 1_000_000)

    def _erring(self, _: str) -> None:
        """A provider that says so as if all were well."""
        self._say(b'{"error": {"message": "No such model."}}', content_type="application/json")

    def _endless(self, _: str) -> None:
        self.send_response(200)
        self.end_headers()
        while not self.server.stop.is_set():
            self.wfile.write(b"x" * 10_000)

    def _slow(self, _: str) -> None:
        self.send_response(200)
        self.end_headers()
        while not self.server.stop.is_set():
            self.wfile.write(b".")
            self.wfile.flush()
            time.sleep(0.02)

    def _cut(self, _: str) -> None:
        self.send_response(200)
        self.send_header("content-length", "1000")
        self.end_headers()
        self.wfile.write(b"only this")
        self.close_connection = True


@contextmanager
def web_server() -> Iterator[Web]:
    with Web() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.stop.set()
            server.held.set()
            server.shutdown()
