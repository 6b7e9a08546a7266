"""A talk of one user with workflows."""

from django.conf import settings
from django.db import models

from conversations.querysets import ConversationQuerySet
from core.models import EditableRecord
from workflows.models.totals import CallTotals


class Conversation(EditableRecord, CallTotals):
    """Its turns, and the kept totals of its messages (`conversations.aggregates`).

    `turn_count` is the number of the last turn begun. `summary` is what the memory node made of
    the turns up to `summary_through`.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="conversations"
    )
    title = models.CharField(max_length=200, blank=True)
    archived = models.BooleanField(default=False)
    turn_count = models.PositiveIntegerField(default=0)
    summary = models.TextField(blank=True)
    summary_through = models.PositiveIntegerField(default=0)

    message_count = models.PositiveIntegerField(default=0)

    objects = ConversationQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["owner", "-id"], name="conversations_of_a_user")]

    def __str__(self) -> str:
        return self.title or f"Conversation {str(self.id)[-8:]}"

    @property
    def serial_key(self) -> str:
        """The series its executions run in, one at a time."""
        return f"conversation:{self.id}"
