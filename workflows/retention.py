"""What `prune` deletes of workflows."""

from core.idempotency import KEPT
from core.retention import Retention, old_rows
from workflows.models import IdempotencyKey
from workflows.tracking.pruning import prune_logs

EVENTS = Retention("events", prune_logs, days="events")
KEYS = Retention(
    "idempotency_keys",
    old_rows(lambda before: IdempotencyKey.objects.filter(created_at__lt=before)),
    least=KEPT,
)
