"""Executions that follow others."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.models import EditableRecord, Record
from triggers.models.target import Target
from triggers.querysets import ChainFiringQuerySet, ChainQuerySet


class ChainFiringStatus(models.TextChoices):
    """Pending: the execution it follows has ended. Passed: the condition did not hold."""

    PENDING = "pending"
    STARTED = "started"
    PASSED = "passed"
    REFUSED = "refused"


class Chain(EditableRecord, Target):
    """When an execution of one thing ends in one of the states `on`, another is started.

    Both are the owner's. `after_definition` or `after_template` is what has to end; `condition` is
    an expression, `input` JSON with expressions in braces, both over `triggers.mapping.NAMES`.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="chains")
    name = models.CharField(max_length=255)
    after_definition = models.ForeignKey(
        "workflows.WorkflowDefinition", models.CASCADE, null=True, blank=True, related_name="+"
    )
    after_template = models.ForeignKey(
        "workflows.WorkflowTemplate", models.CASCADE, null=True, blank=True, related_name="+"
    )
    on = models.JSONField(default=list)
    condition = models.TextField(blank=True, default="")
    input = models.JSONField(default=dict, blank=True)
    paused = models.BooleanField(default=False)
    revision = models.PositiveIntegerField(default=1)

    objects = ChainQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["owner", "-id"], name="chains_of_an_owner")]

    def __str__(self) -> str:
        return self.name


class ChainFiring(Record):
    """What came of one end of an execution; the row is there once, so it is followed once.

    `depth` is how many executions of a line of chains came before the one it starts.
    """

    chain = models.ForeignKey("triggers.Chain", models.CASCADE, related_name="firings")
    source = models.ForeignKey("workflows.WorkflowExecution", models.CASCADE, related_name="+")
    status = models.CharField(
        max_length=12, choices=ChainFiringStatus.choices, default=ChainFiringStatus.PENDING
    )
    depth = models.PositiveIntegerField(default=1)
    code = models.CharField(max_length=60, blank=True, default="")
    message = models.TextField(blank=True, default="")
    held_until = models.DateTimeField(null=True)
    execution = models.ForeignKey(
        "workflows.WorkflowExecution", models.SET_NULL, null=True, related_name="+"
    )

    objects = ChainFiringQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["chain", "-id"], name="firings_of_a_chain"),
            models.Index(fields=["id"], condition=Q(status="pending"), name="chains_to_follow"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["chain", "source"], name="one_firing_per_chain_and_source"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.chain_id} {self.status}"
