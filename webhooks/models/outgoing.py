"""Outgoing endpoints, their messages, and each attempt to deliver one."""

from django.db import models
from django.db.models import Q

from core import clock
from core.models import Record
from webhooks.models.signed import Signed
from webhooks.querysets import AttemptQuerySet, MessageQuerySet


class MessageType(models.TextChoices):
    """What is told; a ping, to whoever asks for one."""

    COMPLETED = "execution.completed"
    FAILED = "execution.failed"
    CANCELLED = "execution.cancelled"
    WAITING = "execution.waiting"
    REFUSED = "execution.refused"
    BUDGET = "budget.warned"
    PING = "ping"
    SECURITY = "security.alert"


STAFF_EVENTS = (MessageType.SECURITY.value,)  # told to staff only, who ask for it by name
EVENTS = tuple(kind for kind in MessageType.values if kind not in {MessageType.PING, *STAFF_EVENTS})


class MessageStatus(models.TextChoices):
    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


class WebhookEndpoint(Signed):
    """An address that is told of its owner's runs: of all, or of those of one workflow.

    `events` are of `EVENTS`. Replays are told with `replays` only. `failures` are those since the
    last success, the first of them at `failing_since`; `disabled_reason` says why it was switched
    off when nobody asked for that.
    """

    url = models.CharField(max_length=2000)
    events = models.JSONField(default=list)
    replays = models.BooleanField(default=False)
    failures = models.PositiveIntegerField(default=0, editable=False)
    failing_since = models.DateTimeField(null=True, editable=False)
    disabled_reason = models.CharField(max_length=100, blank=True, default="", editable=False)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["owner", "enabled"], name="webhooks_endpoints_told")]
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "once"],
                condition=~Q(once=""),
                name="webhooks_endpoints_one_of_a_form",
            )
        ]


class WebhookMessage(Record):
    """One event for one endpoint. Its id and its `body` are the same each time it is sent.

    It is due from `next_at` on; who sends it puts that off first, so that nobody else does, and
    counts an attempt, so that only the last who tried tells how it went. `forgiven` are attempts
    that count no more, since somebody asked to have it sent again.
    """

    endpoint = models.ForeignKey(WebhookEndpoint, models.CASCADE, related_name="messages")
    execution = models.ForeignKey(
        "workflows.WorkflowExecution", models.CASCADE, null=True, related_name="+"
    )
    type = models.CharField(max_length=40, choices=MessageType.choices)
    body = models.TextField()
    status = models.CharField(
        max_length=12, choices=MessageStatus.choices, default=MessageStatus.PENDING
    )
    next_at = models.DateTimeField(default=clock.now)
    attempts = models.PositiveIntegerField(default=0)
    forgiven = models.PositiveIntegerField(default=0)
    settled_at = models.DateTimeField(null=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["next_at"], name="webhooks_messages_due", condition=Q(status="pending")
            ),
            models.Index(fields=["endpoint", "status", "-id"], name="webhooks_messages_listed"),
            models.Index(fields=["created_at"], name="webhooks_message_age"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.id}"


class WebhookAttempt(Record):
    """One try to deliver a message: the status it was answered with, or why there was none."""

    message = models.ForeignKey(WebhookMessage, models.CASCADE, related_name="tries")
    number = models.PositiveIntegerField()
    status = models.PositiveIntegerField(null=True)
    error = models.CharField(max_length=100, blank=True, default="")
    took_ms = models.PositiveIntegerField()

    objects = AttemptQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["message", "number"], name="webhooks_attempts_are_numbered"
            )
        ]

    def __str__(self) -> str:
        return f"{self.number}: {self.status or self.error}"
