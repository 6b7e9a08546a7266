"""A user's workflow, its history, and the immutable graphs that executions point at."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.models import EditableRecord, Record
from workflows.querysets import DefinitionQuerySet, DefinitionVersionQuerySet, VersionQuerySet


class WorkflowDefinition(EditableRecord):
    """A named workflow of one owner; what it does stands in its versions.

    `latest` is the number of its newest version, `published` the number of the one that runs, which
    is `version`. `revision` grows with every change of any kind: who saves what somebody else has
    changed meanwhile is told so by it. `limits` are fields of `core.limits.RunLimits`.
    `once` stands for the form that made it: sent again it makes no other.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="workflow_definitions"
    )
    name = models.CharField(max_length=255)
    description = models.TextField(blank=True)
    version = models.ForeignKey(
        "workflows.WorkflowVersion", models.PROTECT, null=True, blank=True, related_name="+"
    )
    latest = models.PositiveIntegerField(default=0)
    published = models.PositiveIntegerField(default=0)
    revision = models.PositiveIntegerField(default=1)
    archived = models.BooleanField(default=False)
    limits = models.JSONField(default=dict, blank=True)
    once = models.CharField(max_length=64, blank=True, default="", db_default="")

    objects = DefinitionQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "once"], condition=~Q(once=""), name="workflows_one_of_a_form"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class WorkflowVersion(Record):
    """One immutable graph, found by the hash of what runs; several owners may share it.

    `graph` is the JSON of `workflows.definition.graph.GraphDefinition.content`: without positions.
    The same graph may be drawn differently by each of those who share it, so a layout belongs to
    the entry of a history (`DefinitionVersion.layout`) or to a template, never here.
    """

    content_hash = models.CharField(max_length=64, unique=True)
    graph = models.JSONField()

    objects = VersionQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.content_hash[:12]


class DefinitionVersion(Record):
    """Number n of a definition's history: which graph it was, who saved it, how it was drawn.

    Numbers count 1, 2, 3 … and stay. `restored` names the number whose graph this one brought back.
    Only the layout of the newest entry changes, when nodes are moved and nothing else is.
    """

    definition = models.ForeignKey(
        "workflows.WorkflowDefinition", models.CASCADE, related_name="history"
    )
    number = models.PositiveIntegerField()
    version = models.ForeignKey("workflows.WorkflowVersion", models.PROTECT, related_name="+")
    layout = models.JSONField(default=dict)
    saved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    restored = models.PositiveIntegerField(null=True)

    objects = DefinitionVersionQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["definition", "number"], name="one_version_per_definition_and_number"
            ),
        ]

    def __str__(self) -> str:
        return f"version {self.number}"
