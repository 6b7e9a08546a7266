"""The event log."""

from django.db import models

from core import clock
from workflows.querysets import EventQuerySet


class ExecutionEvent(models.Model):
    """Consecutive events of one execution that were committed together.

    Events of an execution are numbered 1, 2, 3 … without gaps; `seq` is the number of the last one
    in `frames`, which holds one JSON object a line (`{execution, seq, type, at, data}`). One row
    for what one commit brings is what makes an exact log cheap.
    """

    execution = models.ForeignKey(
        "workflows.WorkflowExecution", models.CASCADE, related_name="events"
    )
    seq = models.PositiveIntegerField()
    frames = models.TextField()
    created_at = models.DateTimeField(default=clock.now)

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ["execution", "seq"]
        constraints = [
            models.UniqueConstraint(fields=["execution", "seq"], name="one_event_per_number"),
        ]

    def __str__(self) -> str:
        return f"{self.execution_id} …{self.seq}"
