"""Executions at certain times."""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.models import EditableRecord, Record
from triggers.misfires import Misfire
from triggers.models.target import Target
from triggers.querysets import FiringQuerySet, ScheduleQuerySet
from triggers.timing import Kind, Timing, in_units


class ScheduleKind(models.TextChoices):
    CRON = "cron"
    INTERVAL = "interval"
    ONCE = "once"


class FiringStatus(models.TextChoices):
    """Skipped: another fire time ran in its place. Missed: nobody was there in time."""

    STARTED = "started"
    SKIPPED = "skipped"
    MISSED = "missed"
    REFUSED = "refused"


class Schedule(EditableRecord, Target):
    """When to run what, for its owner and with its owner's rights.

    It is due from `next_at` on; paused or over, it has none. `revision` grows with every change of
    what people set. `held_until` is how long one process has it to itself; what makes a fire time
    run once is the unique row of its firing. `last_*` tell of its newest firing. `once` stands for
    the form that made it: sent again it makes no other.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="schedules")
    name = models.CharField(max_length=255)
    input = models.JSONField(default=dict, blank=True)

    kind = models.CharField(max_length=12, choices=ScheduleKind.choices)
    cron = models.CharField(max_length=100, blank=True, default="")
    time_zone = models.CharField(max_length=64, default="UTC")
    every_s = models.PositiveIntegerField(default=0)
    run_at = models.DateTimeField(null=True, blank=True)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    misfire = models.CharField(
        max_length=8, choices=[(one.value, one.value) for one in Misfire], default="skip"
    )
    grace_s = models.PositiveIntegerField(default=60)

    revision = models.PositiveIntegerField(default=1)
    paused = models.BooleanField(default=False)
    paused_because = models.CharField(max_length=40, blank=True, default="")
    next_at = models.DateTimeField(null=True, blank=True)
    held_until = models.DateTimeField(null=True, blank=True)
    last_at = models.DateTimeField(null=True, blank=True)
    last_status = models.CharField(max_length=12, choices=FiringStatus.choices, blank=True)
    last_code = models.CharField(max_length=60, blank=True, default="")
    once = models.CharField(max_length=64, blank=True, default="", db_default="")

    objects = ScheduleQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["next_at"], condition=Q(next_at__isnull=False), name="schedules_due"
            ),
            models.Index(fields=["owner", "-id"], name="schedules_of_an_owner"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(paused=False) | Q(next_at__isnull=True), name="paused_is_never_due"
            ),
            models.UniqueConstraint(
                fields=["owner", "once"], condition=~Q(once=""), name="schedules_one_of_a_form"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def timing(self) -> Timing:
        kind: Kind = self.kind  # type: ignore[assignment]
        return Timing(
            kind,
            self.starts_at,
            self.ends_at,
            self.cron,
            self.time_zone,
            self.every_s,
            self.run_at,
        )

    @property
    def rhythm(self) -> str:
        """Its interval in words: "hour", "2 days"."""
        number, unit = in_units(self.every_s)
        return unit.removesuffix("s") if number == 1 else f"{number} {unit}"

    @property
    def grace(self) -> timedelta:
        return timedelta(seconds=self.grace_s)


class ScheduleFiring(Record):
    """What came of one fire time; the row is there once, so it runs once.

    With `until` it tells of all fire times from `fire_at` on to there. `manual`: somebody asked for
    it, whatever the time.
    """

    schedule = models.ForeignKey("triggers.Schedule", models.CASCADE, related_name="firings")
    fire_at = models.DateTimeField()
    until = models.DateTimeField(null=True)
    status = models.CharField(max_length=12, choices=FiringStatus.choices)
    code = models.CharField(max_length=60, blank=True, default="")
    message = models.TextField(blank=True, default="")
    manual = models.BooleanField(default=False)
    execution = models.ForeignKey(
        "workflows.WorkflowExecution", models.SET_NULL, null=True, related_name="+"
    )

    objects = FiringQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["schedule", "-id"], name="firings_of_a_schedule")]
        constraints = [
            models.UniqueConstraint(
                fields=["schedule", "fire_at"], name="one_firing_per_schedule_and_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.fire_at:%Y-%m-%d %H:%M:%S} {self.status}"
