"""Who hosts a pump, and whether it lives."""

from django.db import models

from core.models import Record
from workflows.querysets import PumpHostQuerySet


class PumpHost(Record):
    """A pump under way, as it says of itself every quarter of a lease; gone when it has ended.

    `cluster` names the processes that belong together: those of one `manage.py work`. A pump that
    retires claims nothing any more, and ends when what it runs has ended. `writer_lag_s` is how
    long what its process had to write had waited.
    """

    owner = models.CharField(max_length=80, unique=True)
    host = models.CharField(max_length=80)
    pid = models.PositiveIntegerField()
    cluster = models.CharField(max_length=80, blank=True, default="")
    claiming = models.BooleanField(default=True)
    running = models.PositiveIntegerField(default=0)
    writer_lag_s = models.FloatField(default=0, db_default=0)
    beat_at = models.DateTimeField(db_index=True)

    objects = PumpHostQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.owner
