"""A user's workflow, and the immutable snapshots of graphs that executions point at."""

from django.conf import settings
from django.db import models

from core.models import EditableRecord, Record
from workflows.querysets import DefinitionQuerySet, VersionQuerySet


class WorkflowDefinition(EditableRecord):
    """A named workflow of one owner; what it does stands in its versions."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="workflow_definitions"
    )
    name = models.CharField(max_length=255)
    description = models.TextField(blank=True)
    version = models.ForeignKey(
        "workflows.WorkflowVersion", models.PROTECT, null=True, blank=True, related_name="+"
    )
    archived = models.BooleanField(default=False)

    objects = DefinitionQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name


class WorkflowVersion(Record):
    """One immutable graph, found by the hash of its content; several owners may share it.

    `graph` is the JSON of `workflows.definition.graph.GraphDefinition`.
    """

    content_hash = models.CharField(max_length=64, unique=True)
    graph = models.JSONField()

    objects = VersionQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.content_hash[:12]
