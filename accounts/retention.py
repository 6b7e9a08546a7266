"""What `prune` deletes of accounts."""

from datetime import timedelta

from django.contrib.sessions.models import Session

from accounts.models import Lockout
from core.retention import Retention, old_rows

SESSIONS = Retention(
    "sessions", old_rows(lambda before: Session.objects.filter(expire_date__lt=before))
)
LOCKOUTS = Retention(
    "lockouts",
    old_rows(lambda before: Lockout.objects.filter(until__lt=before)),
    least=timedelta(days=30),
)
