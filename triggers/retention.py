"""What `prune` deletes of triggers."""

from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from core.retention import Retention, old_rows
from triggers.models import ChainFiring, ChainFiringStatus, ScheduleFiring


def _of_schedules(before: datetime) -> QuerySet[Any]:
    """All but the newest of each, which tells when it last ran."""
    newer = ScheduleFiring.objects.filter(schedule=OuterRef("schedule"), pk__gt=OuterRef("pk"))
    return ScheduleFiring.objects.filter(Exists(newer), created_at__lt=before)


def _of_chains(before: datetime) -> QuerySet[Any]:
    """Those that wait stay; so do those whose execution goes on, for the depth of what follows."""
    over = Q(execution=None) | Q(execution__finished_at__lt=before)
    old = ChainFiring.objects.filter(over, created_at__lt=before)
    return old.exclude(status=ChainFiringStatus.PENDING)


SCHEDULES = Retention("schedule_firings", old_rows(_of_schedules), days="firings")
CHAINS = Retention("chain_firings", old_rows(_of_chains), days="firings")
