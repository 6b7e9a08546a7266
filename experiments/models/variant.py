"""One of the ways in which an experiment has turns answered."""

from django.db import models
from django.db.models import Q

from core.models import Record


class Changes(models.TextChoices):
    """What answers: the target as it is, another number of the definition, another template."""

    NOTHING = "nothing", "nothing"
    NUMBER = "number", "number"
    TEMPLATE = "template", "template"


class Variant(Record):
    """`weight` of all weights is its share of the units; one of them is the control.

    What it `changes`, and the `parameters` it sets, such as `model` or `system`. `version` is the
    graph it ran when the experiment began, and runs until its end; so is `declared`, the parameters
    of a template and their defaults (None: a definition has none, and earlier releases kept none).
    Once it is stopped, its units are answered by the control.
    """

    experiment = models.ForeignKey(
        "experiments.Experiment", models.CASCADE, related_name="variants"
    )
    position = models.PositiveIntegerField()
    name = models.CharField(max_length=80)
    weight = models.PositiveIntegerField(default=1)
    control = models.BooleanField(default=False)
    changes = models.CharField(max_length=12, choices=Changes.choices, default=Changes.NOTHING)
    number = models.PositiveIntegerField(null=True)
    template = models.ForeignKey(
        "workflows.WorkflowTemplate", models.SET_NULL, null=True, related_name="+"
    )
    version = models.ForeignKey(
        "workflows.WorkflowVersion", models.PROTECT, null=True, related_name="+"
    )
    declared = models.JSONField(null=True)
    parameters = models.JSONField(default=dict)
    stopped_at = models.DateTimeField(null=True)
    stopped_because = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        ordering = ["experiment", "position"]
        constraints = [
            models.UniqueConstraint(
                fields=["experiment", "position"], name="experiments_one_variant_per_position"
            ),
            models.UniqueConstraint(
                fields=["experiment", "name"], name="experiments_one_variant_per_name"
            ),
            models.UniqueConstraint(
                fields=["experiment"],
                condition=Q(control=True),
                name="experiments_one_control",
            ),
            models.CheckConstraint(condition=Q(weight__gte=1), name="experiments_weight_counts"),
            models.CheckConstraint(
                condition=Q(control=False) | Q(stopped_at=None),
                name="experiments_control_is_never_stopped",
            ),
        ]

    def __str__(self) -> str:
        return self.name
