"""What of accounts grows old."""

from django.contrib.sessions.models import Session

from core.retention import Retention, old_rows

SESSIONS = Retention(
    "sessions", old_rows(lambda before: Session.objects.filter(expire_date__lt=before))
)
