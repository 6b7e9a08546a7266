"""A collector of traces as others run it: OTLP over HTTP, in protobuf."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass
class Received:
    """One span; ids in hexadecimal, `parent` empty for a root, `status` 2 for an error."""

    trace: str
    id: str
    parent: str
    name: str
    kind: int
    began: int
    ended: int
    status: int
    attributes: dict[str, Any]
    service: str
    events: list[str] = field(default_factory=list)


class Collector:
    def __init__(self) -> None:
        self.spans: list[Received] = []
        self.url = ""

    def trace_of(self, execution: str, within_s: float = 20.0) -> dict[str, Received]:
        """The spans of an execution by name, numbered from the second of a name on."""
        deadline = time.monotonic() + within_s
        while not (roots := [one for one in self.spans if _is_of(one, execution)]):
            assert time.monotonic() < deadline, [one.name for one in self.spans]
            time.sleep(0.02)
        (root,) = roots
        named: dict[str, Received] = {}
        for span in self.spans:
            if span.trace == root.trace and (span is root or not _is_root(span)):
                again = sum(name.split(" #")[0] == span.name for name in named)
                named[f"{span.name} #{again + 1}" if again else span.name] = span
        return named

    def take(self, body: bytes) -> None:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = _values(resource.resource.attributes)["service.name"]
            for scope in resource.scope_spans:
                self.spans += [_received(span, service) for span in scope.spans]


def _is_root(span: Received) -> bool:
    return "chatter.execution.id" in span.attributes


def _is_of(span: Received, execution: str) -> bool:
    return span.attributes.get("chatter.execution.id") == execution


def _received(span: Any, service: str) -> Received:
    return Received(
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        name=span.name,
        kind=span.kind,
        began=span.start_time_unix_nano,
        ended=span.end_time_unix_nano,
        status=span.status.code,
        attributes=_values(span.attributes),
        service=service,
        events=[event.name for event in span.events],
    )


def _values(attributes: Any) -> dict[str, Any]:
    return {one.key: _value(one.value) for one in attributes}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(one) for one in value.array_value.values]
    return getattr(value, kind)


@contextmanager
def collecting() -> Iterator[Collector]:
    collector = Collector()

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            collector.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    collector.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
