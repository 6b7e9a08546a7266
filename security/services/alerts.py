"""Somebody has seen an alert."""

from django.db import transaction

from accounts.models import User
from audit.record import record
from core import clock
from security.models import SecurityAlert


@transaction.atomic
def acknowledge(alert: SecurityAlert, *, by: User) -> bool:
    """Say that `by` has seen it; False if somebody had already."""
    unseen = SecurityAlert.objects.raised().filter(pk=alert.pk, acknowledged_at__isnull=True)
    won = unseen.update(acknowledged_at=clock.now(), acknowledged_by=by.pk)
    if won:
        record("security.alert.acknowledged", actor=by, target=alert, detail={"kind": alert.kind})
    return bool(won)
