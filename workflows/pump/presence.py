"""The pumps' heartbeats in the database, by which everyone knows whether any is alive.

They are timed by the clock of the database, as leases are: hosts may have wrong ones.
"""

import os
import socket
from collections.abc import Collection

from django.db.models import Max
from django.db.models.functions import Now

from core.locks import locked
from workflows.models import PumpHost
from workflows.querysets import leases
from workflows.tracking.leases import run_out
from workflows.tracking.writer import writer

_REMEMBERED = 60  # leases: how long a row stays of a pump that ended without a word


def beat(owner: str, cluster: str, *, claiming: bool, running: int) -> None:
    """Say that it lives."""
    PumpHost.objects.update_or_create(
        owner=owner,
        defaults={
            "host": socket.gethostname()[:80],
            "pid": os.getpid(),
            "cluster": cluster,
            "claiming": claiming,
            "running": running,
            "writer_lag_s": writer.lag_s,
            "beat_at": Now(),
        },
    )


def take_place(owner: str, cluster: str, most: int) -> bool:
    """Say that it claims, unless so many of its cluster do. One after the other, in a lock."""
    with locked("pumps.places"):
        if PumpHost.objects.claiming().filter(cluster=cluster).count() >= most:
            return False
        beat(owner, cluster, claiming=True, running=0)
        return True


def leave(owner: str) -> None:
    """Say that it has ended; whoever died without a word long ago is forgotten, too."""
    PumpHost.objects.filter(beat_at__lt=Now() - leases(_REMEMBERED)).delete()
    PumpHost.objects.filter(owner=owner).delete()


def bury(owners: Collection[str]) -> None:
    """These are dead, for sure: what they ran is for others at once."""
    run_out(owners)
    PumpHost.objects.filter(owner__in=owners).delete()


def somebody_claims() -> bool:
    return PumpHost.objects.claiming().exists()


def pump_figures() -> dict[str, float | int | None]:
    """How many live, how much they run, how long their writers' oldest unit had waited when they
    said so, and when the last word of any was, in seconds.
    """
    alive = list(PumpHost.objects.alive().values_list("claiming", "running", "writer_lag_s"))
    silent = PumpHost.objects.in_the_past().aggregate(for_=Now() - Max("beat_at"))["for_"]
    return {
        "alive": len(alive),
        "claiming": sum(claiming for claiming, _, _ in alive),
        "running": sum(running for _, running, _ in alive),
        "writer_lag_s": max((round(lag_s, 3) for *_, lag_s in alive), default=None),
        "beat_s_ago": None if silent is None else round(silent.total_seconds(), 3),
    }
