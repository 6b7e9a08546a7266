"""What a trigger runs."""

from typing import Any

from django.db import models


class Target(models.Model):
    """A workflow or a template, and the parameters it is given; neither: it was deleted."""

    definition = models.ForeignKey(
        "workflows.WorkflowDefinition", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    template = models.ForeignKey(
        "workflows.WorkflowTemplate", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    parameters = models.JSONField(default=dict, blank=True)

    class Meta:
        abstract = True

    @property
    def target(self) -> Any:
        """The workflow or template that runs, or None."""
        return self.definition or self.template
