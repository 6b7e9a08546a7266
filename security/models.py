"""Alerts, and how far the audit trail was looked through."""

from django.db import models
from django.db.models import Q

from core.models import Record
from security.querysets import AlertQuerySet


class AlertKind(models.TextChoices):
    """What happened too often; the names of settings, too."""

    FAILED_LOGINS = "failed_logins", "failed logins to one account"
    FAILED_LOGINS_FROM = "failed_logins_from", "failed logins from one address"
    INVALID_TOKENS = "invalid_tokens", "tokens that open nothing"
    FOREIGN_IDS = "foreign_ids", "ids that are not there or of others"
    LIMITS = "limits", "limits that were reached"
    REFUSED_TOOLS = "refused_tools", "tools that are not allowed"
    REFUSED_EGRESS = "refused_egress", "addresses that are not allowed"


class SecurityAlert(Record):
    """How often something happened to, or came from, one subject in one window of time.

    It is raised when `count` reaches `threshold`, once; until then it only counts, and nobody sees
    it. `subject` is "accounts.user:<id>" or "address:<address>". `entries` are the numbers of the
    first entries of the audit trail behind it.
    """

    kind = models.CharField(max_length=30, choices=AlertKind.choices)
    subject = models.CharField(max_length=120)
    user_id = models.UUIDField(null=True)
    starts_at = models.DateTimeField()
    window_s = models.PositiveIntegerField()
    count = models.PositiveIntegerField(default=0)
    threshold = models.PositiveIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    entries = models.JSONField(default=list)
    raised_at = models.DateTimeField(null=True)
    mailed_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.UUIDField(null=True)

    objects = AlertQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        default_permissions = ("view", "change")
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject", "starts_at"], name="security_one_alert_per_window"
            ),
        ]
        indexes = [
            models.Index(
                fields=["-id"], name="security_raised", condition=Q(raised_at__isnull=False)
            ),
            models.Index(fields=["last_at"], name="security_by_age"),
            models.Index(fields=["user_id"], name="security_of_a_user"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.subject}"


class TrailPosition(models.Model):
    """The number of the last audit entry that was looked at: one row, locked while more are."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    seq = models.BigIntegerField(default=0)

    class Meta:
        default_permissions = ()
        constraints = [models.CheckConstraint(condition=Q(id=1), name="security_one_position")]

    def __str__(self) -> str:
        return str(self.seq)
