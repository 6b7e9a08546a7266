"""Who was answered by what, and what came of it elsewhere."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.models import Record


class Unit(Record):
    """A user or a conversation from its first exposure on; `variant` is what it was dealt.

    Its id is made of the experiment and the key ("user:<id>", "conversation:<id>"), so that who
    comes first writes it and all others know it.
    """

    experiment = models.ForeignKey("experiments.Experiment", models.CASCADE, related_name="units")
    variant = models.ForeignKey("experiments.Variant", models.CASCADE, related_name="units")
    key = models.CharField(max_length=80)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["experiment", "key"], name="experiments_one_unit_per_key"
            ),
        ]

    def __str__(self) -> str:
        return self.key


class Exposure(Record):
    """One turn of a unit, and what answered it; written with the execution.

    `diverted`: the variant the unit was dealt is stopped, so the control answered.
    """

    experiment = models.ForeignKey(
        "experiments.Experiment", models.CASCADE, related_name="exposures"
    )
    unit = models.ForeignKey("experiments.Unit", models.CASCADE, related_name="exposures")
    variant = models.ForeignKey("experiments.Variant", models.CASCADE, related_name="exposures")
    execution = models.OneToOneField(
        "workflows.WorkflowExecution", models.CASCADE, related_name="exposure"
    )
    diverted = models.BooleanField(default=False)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.unit_id} {self.variant_id}"


class UnitEvent(Record):
    """Something that a unit did, told over the API; what has the same `key` is told once."""

    experiment = models.ForeignKey("experiments.Experiment", models.CASCADE, related_name="+")
    unit = models.ForeignKey("experiments.Unit", models.CASCADE, related_name="events")
    name = models.CharField(max_length=60)
    value = models.FloatField(default=1.0)
    key = models.CharField(max_length=100, blank=True, default="")

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["experiment", "-id"], name="experiments_events")]
        constraints = [
            models.UniqueConstraint(
                fields=["experiment", "key"],
                condition=~Q(key=""),
                name="experiments_one_event_per_key",
            ),
        ]

    def __str__(self) -> str:
        return self.name
