"""What was done, by whom, to what: append-only rows, each sealing the one before it."""

from typing import Any

from django.db import models

from audit.querysets import AuditEntryQuerySet


class Outcome(models.TextChoices):
    SUCCESS = "success", "Success"
    FAILURE = "failure", "Failure"
    DENIED = "denied", "Denied"


class AuditEntry(models.Model):
    """One act. Written by `audit.record` only.

    It refers to nothing by foreign key, so that no deletion reaches it. `personal` may be blanked
    (set to NULL) later: the chain holds its salted hash, not its content.
    """

    seq = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    action = models.CharField(max_length=100)
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.SUCCESS)
    actor_id = models.UUIDField(null=True)
    target = models.CharField(max_length=200, blank=True, default="")
    detail = models.JSONField(default=dict)
    personal = models.JSONField(null=True)
    personal_hash = models.CharField(max_length=64, blank=True, default="")
    request_id = models.CharField(max_length=64, blank=True, default="")
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    objects = AuditEntryQuerySet.as_manager()

    class Meta:
        ordering = ["-seq"]
        default_permissions = ("view",)
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(fields=["action", "seq"], name="audit_action"),
            models.Index(fields=["actor_id", "seq"], name="audit_actor"),
            models.Index(fields=["target", "seq"], name="audit_target"),
            models.Index(fields=["request_id", "seq"], name="audit_request"),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.action}"

    @property
    def personal_content(self) -> dict[str, Any] | None:
        """What is known about the person, without the salt; None where there is none any more."""
        return self.personal and self.personal.get("content")


class AuditHead(models.Model):
    """The last entry's number and hash: one row, locked while entries are added."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    seq = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64)

    class Meta:
        default_permissions = ()
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="audit_one_head")]

    def __str__(self) -> str:
        return f"{self.seq} {self.hash}"
