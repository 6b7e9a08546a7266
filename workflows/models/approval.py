"""What a run asks of people before it goes on."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models

from core.models import Record
from workflows.querysets import ApprovalQuerySet

if TYPE_CHECKING:
    from accounts.models import User


class ApprovalStatus(models.TextChoices):
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class Approval(Record):
    """One question of a node at one of its visits; decided once, or over in another way.

    `approvers` are the names as the node gives them, `users` and `groups` whom they meant when it
    was asked (the run's owner, if none were given). Withdrawn: the run ended before a decision.
    """

    execution = models.ForeignKey(
        "workflows.WorkflowExecution", models.CASCADE, related_name="approvals"
    )
    node = models.CharField(max_length=255)
    visit = models.PositiveIntegerField()
    question = models.TextField()
    shown = models.TextField(blank=True)
    form = models.JSONField(null=True)
    approvers = models.JSONField(default=list)
    users = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="+")
    groups = models.ManyToManyField(Group, related_name="+")
    deadline_at = models.DateTimeField(null=True)
    status = models.CharField(
        max_length=12, choices=ApprovalStatus.choices, default=ApprovalStatus.PENDING
    )
    answer = models.JSONField(null=True)
    comment = models.TextField(blank=True, default="")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)

    objects = ApprovalQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["status", "-id"],
                condition=models.Q(status="pending"),
                name="approvals_pending",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["execution", "node", "visit"], name="one_approval_per_visit"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.node} of {str(self.execution_id)[-8:]}"

    def may_decide(self, user: "User") -> bool:
        """Those it was put to, and staff."""
        return user.is_staff or type(self).objects.put_to(user).filter(pk=self.pk).exists()
