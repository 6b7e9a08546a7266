"""A Redis that is full: it answers whoever asks whether it is there, and takes nothing."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_ANSWERS = {b"PING": b"+PONG\r\n", b"SET": b"-OOM command not allowed: out of memory\r\n"}


class _Door(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        while count := self.rfile.readline():
            name, *_ = [self._word() for _ in range(int(count[1:]))]
            self.wfile.write(_ANSWERS.get(name.upper(), b"+OK\r\n"))

    def _word(self) -> bytes:
        size = int(self.rfile.readline()[1:])
        return self.rfile.read(size + 2)[:-2]


@contextmanager
def full_redis() -> Iterator[str]:
    """Its address."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Door) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"redis://127.0.0.1:{server.server_address[1]}/0?protocol=2"
        finally:
            server.shutdown()
            thread.join()
