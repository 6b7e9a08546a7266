"""What this process measures of itself, for its own `/metrics`."""

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_HTTP_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_LAG_S = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)

HTTP_SECONDS = Histogram(
    "chatter_http_request_seconds",
    "Requests this process answered, by the pattern of their address; a stream until it begins.",
    ["method", "route", "status"],
    buckets=_HTTP_S,
    registry=REGISTRY,
)
LOOP_LAG = Histogram(
    "chatter_event_loop_lag_seconds",
    "How late an event loop of this process ran what was due, looked at about once a second.",
    ["loop"],
    buckets=_LAG_S,
    registry=REGISTRY,
)
SLOW_QUERIES = Counter(
    "chatter_slow_queries",
    "Statements of this process that took longer than SLOW_QUERY_MS.",
    registry=REGISTRY,
)
SLOW_QUERY_SECONDS = Counter(
    "chatter_slow_query_seconds", "The time those took, together.", registry=REGISTRY
)


def method_label(method: str) -> str:
    """A client may call a method anything."""
    return method if method in _METHODS else "other"
