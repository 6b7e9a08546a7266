"""Whether this process does its work, whether workers live, and how far behind they are.

`degraded` is no failure of this process: it serves, and what is started waits for a worker.
"""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, JsonResponse

from core import clock
from workflows.models import WorkflowExecution
from workflows.pump.doorbell import doorbell
from workflows.pump.presence import told
from workflows.tracking.writer import writer


async def healthz(request: HttpRequest) -> JsonResponse:
    """Are pump and writer of this process alive? Asks no database."""
    state = _parts()
    return JsonResponse(state, status=200 if state["status"] == "ok" else 503)


def readyz(request: HttpRequest) -> JsonResponse:
    """The same, does the database answer, do workers live, how long does the oldest work wait?"""
    state = _parts()
    try:
        state |= {"database": connection.vendor, "waiting": _waiting(), "pumps": told()}
        if state["status"] == "ok" and not state["pumps"]["claiming"]:
            state["status"] = "degraded"
    except Exception as error:  # whatever it is, we are not ready
        state |= {"status": "failing", "database": type(error).__name__}
    return JsonResponse(state, status=503 if state["status"] == "failing" else 200)


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


def _waiting() -> dict[str, Any]:
    pending = WorkflowExecution.objects.under_way().filter(status="pending").order_by("id")
    oldest = pending.values_list("created_at", flat=True).first()
    return {"executions": pending.count(), "oldest_s": _age(oldest) if oldest else 0}


def _age(at: datetime) -> float:
    return round((clock.now() - at).total_seconds(), 3)
