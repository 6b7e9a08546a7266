"""Named, reusable graphs with default parameters."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.models import EditableRecord
from workflows.querysets import TemplateQuerySet

if TYPE_CHECKING:
    from accounts.models import User


class WorkflowTemplate(EditableRecord):
    """A reusable graph with default parameters: pure configuration, no numbers on it.

    Built-in templates have no owner. `parameters` is a JSON schema with defaults
    (`workflows.parameters`). `layout` is where its nodes are drawn. `revision` grows with every
    change, as that of a definition does.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="workflow_templates",
    )
    slug = models.SlugField(max_length=80)
    name = models.CharField(max_length=255)
    description = models.TextField(blank=True)
    category = models.CharField(max_length=40, default="general")
    parameters = models.JSONField(default=dict, blank=True)
    version = models.ForeignKey("workflows.WorkflowVersion", models.PROTECT, related_name="+")
    layout = models.JSONField(default=dict, blank=True)
    public = models.BooleanField(default=False)
    revision = models.PositiveIntegerField(default=1)

    objects = TemplateQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "slug"], name="one_template_per_owner_and_slug"
            ),
            models.UniqueConstraint(
                fields=["slug"], condition=Q(owner=None), name="one_built_in_template_per_slug"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def built_in(self) -> bool:
        return self.owner_id is None

    def may_change(self, user: "User") -> bool:
        """Its owner and staff; a built-in one comes with the release, and changes with it."""
        return not self.built_in and (user.is_staff or user.pk == self.owner_id)
