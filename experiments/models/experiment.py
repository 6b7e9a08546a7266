"""A question put to live traffic."""

import secrets
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Q

from core.models import EditableRecord
from experiments.querysets import ExperimentQuerySet

if TYPE_CHECKING:
    from accounts.models import User


class UnitKind(models.TextChoices):
    """What is assigned to a variant, and so what is counted."""

    USER = "user", "user"
    CONVERSATION = "conversation", "conversation"


class Audience(models.TextChoices):
    """Whose turns take part: the owner's; those of users and groups; everybody's."""

    OWN = "own", "own"
    CHOSEN = "chosen", "chosen"
    EVERYONE = "everyone", "everyone"


class ExperimentStatus(models.TextChoices):
    DRAFT = "draft", "draft"
    RUNNING = "running", "running"
    PAUSED = "paused", "paused"
    COMPLETED = "completed", "completed"


_S = ExperimentStatus
# Every move there is.
MOVES: dict[ExperimentStatus, frozenset[ExperimentStatus]] = {
    _S.DRAFT: frozenset({_S.RUNNING}),
    _S.RUNNING: frozenset({_S.PAUSED, _S.COMPLETED}),
    _S.PAUSED: frozenset({_S.RUNNING, _S.COMPLETED}),
    _S.COMPLETED: frozenset(),
}


def sources_of(status: ExperimentStatus) -> list[ExperimentStatus]:
    """From which states this one can be reached: the condition of the UPDATE that moves there."""
    return [source for source, targets in MOVES.items() if status in targets]


def _new_salt() -> str:
    return secrets.token_hex(8)


class Experiment(EditableRecord):
    """Turns that ask for `template` or `definition` are answered in several ways.

    Neither: it was deleted. From the start on only its name and hypothesis change.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="experiments")
    name = models.CharField(max_length=255)
    hypothesis = models.TextField(blank=True, default="")
    template = models.ForeignKey(
        "workflows.WorkflowTemplate", models.SET_NULL, null=True, related_name="+"
    )
    definition = models.ForeignKey(
        "workflows.WorkflowDefinition", models.SET_NULL, null=True, related_name="+"
    )
    unit = models.CharField(max_length=12, choices=UnitKind.choices, default=UnitKind.CONVERSATION)
    audience = models.CharField(max_length=12, choices=Audience.choices, default=Audience.OWN)
    users = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="+")
    groups = models.ManyToManyField(Group, related_name="+")
    traffic_percent = models.PositiveIntegerField(default=100)
    # What its units are dealt out by (`experiments.dealing`).
    salt = models.CharField(max_length=32, default=_new_salt)
    primary = models.CharField(max_length=80)  # the metric that decides
    better = models.CharField(max_length=8, default="lower")  # if that is an event: which way is
    # Which way is better, for other events by their names; for those not named here it is higher.
    events = models.JSONField(default=dict, db_default={})
    # `[{metric, margin}]`, margins as text (`experiments.metrics`).
    guards = models.JSONField(default=list)
    # A unit is watched for so long from its first exposure on, and counted when that is over.
    window_min = models.PositiveIntegerField(default=1_440)
    # Of all variants; here the test is sharpest.
    planned_units = models.PositiveIntegerField(default=1_000)
    status = models.CharField(
        max_length=12, choices=ExperimentStatus.choices, default=ExperimentStatus.DRAFT
    )
    started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    guard_due_at = models.DateTimeField(null=True)  # from then on one process looks at the guards
    # The variant that was promoted.
    winner = models.ForeignKey("experiments.Variant", models.SET_NULL, null=True, related_name="+")
    # Stands for the form that made it: sent again, it makes no other.
    once = models.CharField(max_length=64, blank=True, default="", db_default="")

    objects = ExperimentQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["owner", "-id"], name="experiments_of_an_owner"),
            models.Index(fields=["id"], condition=Q(status="running"), name="experiments_running"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(template=None) | Q(definition=None), name="experiments_one_target"
            ),
            models.CheckConstraint(
                condition=Q(traffic_percent__gte=1, traffic_percent__lte=100),
                name="experiments_traffic_is_a_share",
            ),
            models.UniqueConstraint(
                fields=["owner", "once"],
                condition=~Q(once=""),
                name="experiments_one_of_a_form",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def target(self) -> Any:
        """The template or definition it is about, or None."""
        return self.definition or self.template

    def may_reach_others(self) -> bool:
        """Only staff put others' turns to the test; the owner must be loaded."""
        owner: User = self.owner
        return owner.is_staff
