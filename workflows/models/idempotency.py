"""One run per cause."""

from django.conf import settings
from django.db import models

from core.models import Record


class IdempotencyKey(Record):
    """The key a user sent with a start, the hash of what was asked, and what it started."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    request_hash = models.CharField(max_length=64)
    execution = models.ForeignKey("workflows.WorkflowExecution", models.CASCADE, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "key"], name="one_start_per_user_and_key"),
        ]

    def __str__(self) -> str:
        return self.key
