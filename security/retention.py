"""What `prune` deletes of security."""

from datetime import timedelta

from core.retention import Retention, old_rows
from security.models import SecurityAlert

ALERTS = Retention(
    "security_alerts",
    old_rows(lambda before: SecurityAlert.objects.raised().filter(last_at__lt=before)),
    days="alerts",
)
# What was counted and never came to an alert; no window is longer than a day.
COUNTS = Retention(
    "security_counts",
    old_rows(lambda before: SecurityAlert.objects.filter(raised_at=None, last_at__lt=before)),
    least=timedelta(days=2),
)
