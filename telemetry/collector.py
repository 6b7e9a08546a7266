"""What `/metrics` reads at each scrape: of the whole installation, and of this process now.

Every query is bounded: kept totals, and what is under way, found by its partial index.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Any

import structlog
from django.db import connection
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from accounts.connections import connections
from audit.models import UnsealedGroup
from core.database_size import database_bytes
from telemetry import tallies
from telemetry.buckets import SECONDS, UNTIMED
from telemetry.instruments import REGISTRY
from telemetry.models import TallyKind
from webhooks.models import WebhookMessage
from workflows.pump.presence import pump_figures
from workflows.pump.queue import queue_now
from workflows.totals import CATEGORIES
from workflows.tracking.writer import writer

log = structlog.get_logger(__name__)
_NANO = 1_000_000_000
Row = dict[str, Any]


class InstallationCollector:
    """The same whichever process is asked."""

    def collect(self) -> Iterator[Metric]:
        try:
            found = [metric for part in _PARTS for metric in part()]
        except Exception:
            log.exception("metrics.unreadable")
            found = []
        yield _up(bool(found))
        yield from found


class AwayCollector:
    """In the place of the other, while nothing of it is known."""

    def collect(self) -> Iterator[Metric]:
        yield _up(False)


def _up(answered: bool) -> Metric:
    return _gauge("database_up", "Whether the database answered.", answered)


class ProcessStateCollector:
    """Of the process that is asked."""

    def collect(self) -> Iterator[Metric]:
        yield _gauge("writer_queue", "Units that wait for the log writer.", writer.waiting)
        since = writer.committing_since
        busy_s = 0.0 if since is None else time.monotonic() - since
        yield _gauge("writer_busy_seconds", "How long its present commit has taken.", busy_s)
        lag = "How long ago the oldest unit was made that is not committed."
        yield _gauge("writer_lag_seconds", lag, writer.lag_s)
        yield _counter("writer_groups", "Groups it has committed.", writer.committed_groups)
        yield _counter("writer_units", "Units in these groups.", writer.committed_units)
        yield _counter("writer_commit_seconds", "The time it took.", writer.committing_s)
        yield _gauge("live_connections", "Sockets and streams that are open.", connections.held)
        yield from _pool()


def _pool() -> Iterator[Metric]:
    pool = getattr(connection, "pool", None)
    stats = pool.get_stats() if pool else {}
    for name, of, help_text in (
        ("database_pool_size", "pool_size", "Connections of the pool."),
        ("database_pool_available", "pool_available", "Those that are free."),
        ("database_pool_waiting", "requests_waiting", "Threads that wait for one."),
    ):
        if of in stats:
            yield _gauge(name, help_text, stats[of])


def _ended() -> Iterator[Metric]:
    rows = tallies.totals()
    executions = [row for row in rows if row["kind"] == TallyKind.EXECUTION]
    help_text = "Executions that ended, by how long they ran; `rerun` is empty where none is."
    labels = {"status": "status", "rerun": "subject"}
    yield _histogram("execution_seconds", help_text, executions, labels)
    yield from _model_calls([_named(row) for row in rows if row["kind"] == TallyKind.MODEL])
    yield from _tool_calls([row for row in rows if row["kind"] == TallyKind.TOOL])


def _model_calls(models: list[Row]) -> Iterator[Metric]:
    labels = {"provider": "provider", "model": "model"}
    calls = _labelled("model_calls", "Model calls that were settled.", models, _CALL_LABELS)
    tokens = CounterMetricFamily(
        "chatter_model_tokens", "Tokens, as far as known.", labels=[*labels, "category"]
    )
    cost = CounterMetricFamily(
        "chatter_model_cost_dollars", "Cost, as far as known.", labels=[*labels]
    )
    for key, alike in _alike(models, labels):
        of_one = list(alike)
        for category in CATEGORIES:
            spent = sum(row[f"{category}_tokens_sum"] for row in of_one)
            tokens.add_metric([*key, category], spent)
        cost.add_metric([*key], sum(row["cost_nano_usd_sum"] for row in of_one) / _NANO)
    yield from (calls, tokens, cost)
    asked = [row for row in models if row["source"] == "provider" and row["bucket"] != UNTIMED]
    help_text = "Calls that a provider answered, by how long it took."
    yield _histogram("model_call_seconds", help_text, asked, {**labels, "status": "status"})


def _tool_calls(tools: list[Row]) -> Iterator[Metric]:
    labels = {"tool": "subject", "status": "status"}
    help_text = "Tool calls that were settled; one that does not exist has no name."
    yield _labelled("tool_calls", help_text, tools, {**labels, "answered_by": "source"})
    made = [row for row in tools if row["source"] == "tool" and row["bucket"] != UNTIMED]
    help_text = "Those that no recording answered, by how long they took."
    yield _histogram("tool_call_seconds", help_text, made, labels)


_CALL_LABELS = {
    **{name: name for name in ("provider", "model", "status", "exactness")},
    "answered_by": "source",
}


def _named(row: Row) -> Row:
    provider, _, model = row["subject"].partition(":")
    return {**row, "provider": provider, "model": model}


def _under_way() -> Iterator[Metric]:
    now = queue_now()
    family = GaugeMetricFamily(
        "chatter_executions", "Executions that are not over, by state.", labels=["status"]
    )
    for status in ("pending", "running", "waiting"):
        family.add_metric([status], now[status])
    yield family
    waits_s, late = now["oldest_s"], now["expired"]
    yield _gauge("queue_oldest_seconds", "How long the oldest pending one has waited.", waits_s)
    yield _gauge("leases_expired", "Running ones whose owner was not heard of in time.", late)


def _pumps() -> Iterator[Metric]:
    pumps = pump_figures()
    for name, help_text in (
        ("alive", "Pumps that live."),
        ("claiming", "Those of them that claim."),
        ("running", "Executions they say they run."),
    ):
        yield _gauge(f"pumps_{name}", help_text, pumps[name] or 0)


def _backlogs() -> Iterator[Metric]:
    unsealed = UnsealedGroup.objects.entry_count()
    yield _gauge("audit_unsealed", "Audit entries that are not sealed yet.", unsealed)
    unsent = WebhookMessage.objects.undelivered().count()
    yield _gauge("webhook_messages_pending", "Webhook messages still to be delivered.", unsent)
    yield _gauge("database_bytes", "The size of the database.", database_bytes())


_PARTS: tuple[Callable[[], Iterable[Metric]], ...] = (
    _ended,
    _under_way,
    _pumps,
    _backlogs,
)


REGISTRY.register(ProcessStateCollector())
_INSTALLATION, _AWAY = CollectorRegistry(), CollectorRegistry()
_INSTALLATION.register(InstallationCollector())
_AWAY.register(AwayCollector())


def of_installation() -> bytes:
    """As Prometheus reads it, as all of these. Reads the database."""
    return generate_latest(_INSTALLATION)


def of_installation_away() -> bytes:
    """That the database is away."""
    return generate_latest(_AWAY)


def of_process() -> bytes:
    return generate_latest(REGISTRY)


def _gauge(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"chatter_{name}", help_text, value=value)


def _counter(name: str, help_text: str, value: float) -> Metric:
    return CounterMetricFamily(f"chatter_{name}", help_text, value=value)


def _labelled(name: str, help_text: str, rows: list[Row], labels: dict[str, str]) -> Metric:
    family = CounterMetricFamily(f"chatter_{name}", help_text, labels=[*labels])
    for key, alike in _alike(rows, labels):
        family.add_metric([*key], sum(row["count_sum"] for row in alike))
    return family


def _histogram(name: str, help_text: str, rows: list[Row], labels: dict[str, str]) -> Metric:
    family = HistogramMetricFamily(f"chatter_{name}", help_text, labels=[*labels])
    for key, alike in _alike(rows, labels):
        counts, took_ms = [0] * (len(SECONDS) + 1), 0
        for row in alike:
            counts[row["bucket"]] += row["count_sum"]
            took_ms += row["took_ms_sum"]
        family.add_metric([*key], _cumulative(counts), took_ms / 1000)
    return family


def _cumulative(counts: list[int]) -> list[tuple[str, float]]:
    reached, bounds = 0, []
    for bound, count in zip((*map(str, map(float, SECONDS)), "+Inf"), counts, strict=True):
        reached += count
        bounds.append((bound, float(reached)))
    return bounds


def _alike(
    rows: list[Row], labels: dict[str, str]
) -> Iterator[tuple[tuple[str, ...], Iterator[Row]]]:
    def key(row: Row) -> tuple[str, ...]:
        return tuple(row[column] for column in labels.values())

    return groupby(sorted(rows, key=key), key)
