"""How the installation itself is doing, as of now: what waits, who works, how much it holds."""

from pathlib import Path
from typing import Any

from django.db import connection

from accounts.connections import connections
from analytics.models import RollupPart
from audit.models import AuditEntry
from core import clock
from core.shapes import Shape
from workflows.models import WorkflowExecution
from workflows.pump.presence import told
from workflows.tracking.writer import writer


class SystemOut(Shape):
    """`process` is the one that answers; everything else is true for all of them.

    `unsealed_entries` and `unfolded_parts` are taken up every half second by whoever hosts a pump.
    """

    at: str
    queued: int
    oldest_queued_s: float
    running: int
    waiting: int
    expired_leases: int
    pumps: dict[str, float | int | None]
    unsealed_entries: int
    unfolded_parts: int
    database: str
    database_bytes: int
    process: dict[str, int]


def system_now() -> SystemOut:
    """A handful of counts, each by an index of what is under way, however many have ended."""
    now, under_way = clock.now(), WorkflowExecution.objects.all().under_way()
    pending = under_way.filter(status="pending")
    oldest = pending.order_by("id").values_list("created_at", flat=True).first()
    running = under_way.filter(status="running")
    return SystemOut(
        at=now.isoformat(),
        queued=pending.count(),
        oldest_queued_s=round((now - oldest).total_seconds(), 3) if oldest else 0,
        running=running.count(),
        waiting=under_way.filter(status="waiting").count(),
        expired_leases=running.filter(lease_expires_at__lt=now).count(),
        pumps=told(),
        unsealed_entries=AuditEntry.objects.filter(seq__isnull=True).count(),
        unfolded_parts=RollupPart.objects.count(),
        database=connection.vendor,
        database_bytes=_database_bytes(),
        process={"unwritten_units": writer.waiting, "connections": connections.held},
    )


def _database_bytes() -> int:
    if connection.vendor == "postgresql":
        return _asked("SELECT pg_database_size(current_database())")
    name = str(connection.settings_dict["NAME"])
    files = (Path(name + suffix) for suffix in ("", "-wal"))
    on_disk = sum(file.stat().st_size for file in files if file.exists())
    return on_disk or _asked("PRAGMA page_count") * _asked("PRAGMA page_size")


def _asked(sql: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        row: Any = cursor.fetchone()
        return int(row[0])
