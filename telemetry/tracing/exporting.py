"""Spans as OpenTelemetry has them, on their way to a collector over HTTP.

Address, headers, sampling, limits and the name of the service come from the standard variables.
"""

from collections.abc import Iterable
from datetime import datetime

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from telemetry.tracing.spans import Key, Span

_AT_ONCE = 512
_NANO = 1_000_000_000


class Exporter:
    """Used by one thread."""

    def __init__(self) -> None:
        self._ended = _Ended()
        resource = Resource({SERVICE_NAME: "chatter"}).merge(OTELResourceDetector().detect())
        provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        provider.add_span_processor(self._ended)
        self._tracer = provider.get_tracer("chatter")
        self._exporter = OTLPSpanExporter()

    def add(self, spans: Iterable[Span]) -> None:
        """Those of one execution, each behind its parent."""
        contexts: dict[Key, Context] = {}
        for span in spans:
            if span.parent is None:
                context = TraceContextTextMapPropagator().extract({"traceparent": span.remote})
            else:
                context = contexts[span.parent]
            contexts[span.key] = self._made(span, context)

    def send(self) -> None:
        """All that were added; a collector that does not take them is logged, and they are gone."""
        spans, self._ended.spans = self._ended.spans, []
        for first in range(0, len(spans), _AT_ONCE):
            self._exporter.export(spans[first : first + _AT_ONCE])

    def _made(self, span: Span, context: Context) -> Context:
        made = self._tracer.start_span(
            span.name,
            context=context,
            kind=SpanKind.CLIENT if span.asks else SpanKind.INTERNAL,
            attributes={name: one for name, one in span.attributes.items() if one is not None},
            start_time=_nano(span.began),
        )
        for name, at in span.moments:
            made.add_event(name, timestamp=_nano(at))
        if span.error:
            made.set_status(Status(StatusCode.ERROR, span.error))
        made.end(_nano(max(span.ended, span.began)))
        return set_span_in_context(made)


class _Ended(SpanProcessor):
    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        if span.context is not None and span.context.trace_flags.sampled:
            self.spans.append(span)


def _nano(at: datetime) -> int:
    """Without a float: they know no nanoseconds of today."""
    whole = int(at.replace(microsecond=0).timestamp())
    return whole * _NANO + at.microsecond * 1000
