"""One run per cause."""

from django.conf import settings
from django.db import models

from core.models import Record


class IdempotencyKey(Record):
    """The key a user sent, the hash of what was asked, what it started, and what was answered.

    `answer` is kept where it would be another by the next time: what was begun goes on.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    request_hash = models.CharField(max_length=64)
    execution = models.ForeignKey("workflows.WorkflowExecution", models.CASCADE, related_name="+")
    answer = models.TextField(default="", db_default="", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "key"], name="one_start_per_user_and_key"),
        ]
        indexes = [models.Index(fields=["created_at"], name="workflows_key_age")]

    def __str__(self) -> str:
        return self.key
