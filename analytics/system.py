"""How the installation itself is doing now: what waits, which pumps work, how much it stores."""

from django.db import connection

from accounts.connections import connections
from analytics.models import RollupPart
from audit.models import UnsealedGroup
from core import clock
from core.database_size import database_bytes
from core.shapes import Shape
from workflows.pump.presence import pump_figures
from workflows.pump.queue import queue_now
from workflows.tracking.writer import writer


class SystemOut(Shape):
    """`process` is the one that answers; everything else is true for all of them.

    Whoever hosts a pump takes up `unsealed_entries` every half second, and `unfolded_parts` every
    two.
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
    process: dict[str, float | int]


def system_now() -> SystemOut:
    """A handful of counts, each by an index of what is under way, however many have ended."""
    now = queue_now()
    return SystemOut(
        at=clock.now().isoformat(),
        queued=now["pending"],
        oldest_queued_s=now["oldest_s"],
        running=now["running"],
        waiting=now["waiting"],
        expired_leases=now["expired"],
        pumps=pump_figures(),
        unsealed_entries=UnsealedGroup.objects.entry_count(),
        unfolded_parts=RollupPart.objects.count(),
        database=connection.vendor,
        database_bytes=database_bytes(),
        process={
            "unwritten_units": writer.waiting,
            "writer_lag_s": round(writer.lag_s, 3),
            "connections": connections.held,
        },
    )
