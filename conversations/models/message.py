"""A message of a conversation."""

from django.db import models
from django.db.models import Q

from conversations.querysets import MessageQuerySet
from core.models import Record
from workflows.models.totals import CallTotals


class Role(models.TextChoices):
    USER = "user"
    ASSISTANT = "assistant"


class MessageStatus(models.TextChoices):
    COMPLETE = "complete"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Message(Record, CallTotals):
    """Written once, complete. A question and its replies share a turn; a retry adds a reply.

    A reply carries the totals of its execution's model calls. `text` of a failed or cancelled
    reply is what was said until then.
    """

    conversation = models.ForeignKey(
        "conversations.Conversation", models.CASCADE, related_name="messages"
    )
    turn = models.PositiveIntegerField()
    role = models.CharField(max_length=10, choices=Role.choices)
    text = models.TextField(blank=True)
    status = models.CharField(
        max_length=10, choices=MessageStatus.choices, default=MessageStatus.COMPLETE
    )
    error = models.JSONField(null=True)
    execution = models.ForeignKey(
        "workflows.WorkflowExecution", models.SET_NULL, null=True, related_name="messages"
    )
    provider = models.CharField(max_length=80, blank=True)
    model = models.CharField(max_length=200, blank=True)
    demo = models.BooleanField(default=False)
    response_time_ms = models.PositiveBigIntegerField(null=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        ordering = ["conversation", "turn", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "turn"],
                condition=Q(role="user"),
                name="one_question_per_turn",
            ),
        ]
        indexes = [
            models.Index(fields=["conversation", "turn", "id"], name="messages_in_order"),
            models.Index(fields=["created_at"], name="messages_sent", condition=Q(role="user")),
        ]

    def __str__(self) -> str:
        return f"{self.role} {self.turn}: {self.text[:40]}"
