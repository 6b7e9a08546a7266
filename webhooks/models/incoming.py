"""A door for other programs: what is delivered there starts a workflow."""

import secrets

from django.db import models
from django.db.models import Q

from core import clock
from core.models import Record
from webhooks.models.signed import Signed
from webhooks.querysets import DeliveryQuerySet


class HookMode(models.TextChoices):
    """What the sender is told: that the run has begun, or how it ended."""

    BACKGROUND = "background"
    WAIT = "wait"


class SignatureStyle(models.TextChoices):
    """How deliveries are signed: by the Standard Webhooks specification, or as GitHub does."""

    STANDARD = "standard"
    GITHUB = "github"


class DeliveryOutcome(models.TextChoices):
    STARTED = "started"
    REFUSED = "refused"
    FORGED = "forged"


def new_public_id() -> str:
    return secrets.token_urlsafe(18)


class IncomingWebhook(Signed):
    """Runs `definition` or `template`, one of them, for its owner.

    `mapping` gives each name of the run's input an expression over the delivery
    (`webhooks.mapping`). `public_id` is its part of the address, told apart from the id of the row.
    """

    public_id = models.CharField(max_length=32, unique=True, default=new_public_id, editable=False)
    parameters = models.JSONField(default=dict, blank=True)
    mapping = models.JSONField(default=dict)
    mode = models.CharField(max_length=12, choices=HookMode.choices, default=HookMode.BACKGROUND)
    signature = models.CharField(
        max_length=12, choices=SignatureStyle.choices, default=SignatureStyle.STANDARD
    )

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["owner", "-id"], name="webhooks_incoming_of_a_user")]
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "once"],
                condition=~Q(once=""),
                name="webhooks_incoming_one_of_a_form",
            ),
            models.CheckConstraint(
                name="webhooks_incoming_one_target",
                condition=Q(definition=None, template__isnull=False)
                | Q(definition__isnull=False, template=None),
            ),
        ]


class WebhookDelivery(Record):
    """Something that came: what it started, or why it did not.

    `delivery_id` is the sender's word until the signature was found to be genuine, so only those
    that started something have it for themselves. `digest` is the SHA-256 of the body.
    """

    hook = models.ForeignKey(IncomingWebhook, models.CASCADE, related_name="deliveries")
    delivery_id = models.CharField(max_length=255)
    digest = models.CharField(max_length=64)
    received_at = models.DateTimeField(default=clock.now)
    outcome = models.CharField(max_length=12, choices=DeliveryOutcome.choices)
    code = models.CharField(max_length=100, blank=True, default="")
    reason = models.CharField(max_length=500, blank=True, default="")
    execution = models.ForeignKey(
        "workflows.WorkflowExecution", models.SET_NULL, null=True, related_name="+"
    )

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "webhook deliveries"
        indexes = [
            models.Index(fields=["hook", "-id"], name="webhooks_deliveries_of_a_hook"),
            models.Index(fields=["received_at"], name="webhooks_delivery_age"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["hook", "delivery_id"],
                condition=Q(outcome="started"),
                name="webhooks_one_start_per_delivery",
            )
        ]

    def __str__(self) -> str:
        return self.delivery_id
