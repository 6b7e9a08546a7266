"""Whether this process does its work, whether workers live, and how far behind they are.

`degraded` is no failure of this process: it serves, and what is started waits for a worker, or is
told later than it could be.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import structlog
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, JsonResponse

from core.database import database
from core.schema import missing_migrations
from telemetry.parts import database_answers, database_only_reads, redis_problem
from workflows.pump.doorbell import doorbell
from workflows.pump.presence import pump_figures
from workflows.pump.queue import queue_now
from workflows.tracking.writer import writer

log = structlog.get_logger(__name__)
_DATABASE_S = 5.0  # for all questions together


async def healthz(request: HttpRequest) -> JsonResponse:
    """Are pump and writer of this process alive? Asks no database."""
    state = _parts()
    return JsonResponse(state, status=200 if state["status"] == "ok" else 503)


async def readyz(request: HttpRequest) -> JsonResponse:
    """The same, and what this process needs and works with; every question is a bounded one.

    A database that keeps its connections and says nothing is one that takes too long: threads wait
    for it, and this answer does not.
    """
    state = _parts()
    try:
        state["redis"] = await asyncio.to_thread(_redis)
        state |= await asyncio.wait_for(database.run(_of_database), _DATABASE_S)
        if state["migrations_missing"] or state["database_read_only"]:
            state["status"] = "failing"
        elif state["status"] == "ok" and _is_degraded(state):
            state["status"] = "degraded"
    except Exception as error:  # whatever it is, we are not ready
        log.warning("health.not_ready", exc_info=True)
        state |= {"status": "failing", "database": type(error).__name__}
    return JsonResponse(state, status=503 if state["status"] == "failing" else 200)


def _redis() -> str | None:
    return (redis_problem() or "ok") if settings.REDIS_URL else None


def _of_database() -> dict[str, Any]:
    took_ms = database_answers()
    queue = queue_now()
    return {
        "database": connection.vendor,
        "database_ms": took_ms,
        "database_read_only": database_only_reads(),
        "migrations_missing": len(missing_migrations()),
        "waiting": {"executions": queue["pending"], "oldest_s": queue["oldest_s"]},
        "leases_expired": queue["expired"],
        "pumps": pump_figures(),
    }


def _is_degraded(state: Mapping[str, Any]) -> bool:
    return (
        not state["pumps"]["claiming"]
        or state["redis"] not in (None, "ok")
        or state["waiting"]["oldest_s"] > settings.READY_QUEUE_S
    )


def _parts() -> dict[str, Any]:
    pump_ok, pump = _pump()
    since = writer.committing_since
    stuck = since is not None and _age(since) > settings.CHATTER_LEASE_S
    return {
        "status": "ok" if pump_ok and writer.alive and not stuck else "failing",
        "pump": pump,
        "writer": {"alive": writer.alive, "queued": writer.waiting},
    }


def _pump() -> tuple[bool, dict[str, Any] | str]:
    if settings.CHATTER_PUMP != "server":
        return True, "workers"
    pump = doorbell.pump
    behind_s = _age(pump.beat_at) if pump else None
    state = {
        "alive": pump is not None,
        "running": pump.running if pump else 0,
        "beat_s_ago": behind_s,
    }
    return behind_s is not None and behind_s < settings.CHATTER_LEASE_S, state


def _age(at: float) -> float:
    return round(time.monotonic() - at, 3)
