"""What happened in each hour and each day, added up: dashboards read it, not the ledger."""

from typing import ClassVar

from django.db import models

from core.whole_json import WholeJSONField
from workflows.models.totals import CallTotals
from workflows.totals import COUNTED


class Grain(models.TextChoices):
    """How long a bucket is; buckets begin at whole hours and days of UTC."""

    HOUR = "hour", "hour"
    DAY = "day", "day"


class RollupPart(models.Model):
    """What one commit adds to the rollups, as it was told (`analytics.rollups.facts`).

    Written in that commit, so nobody waits for a row that others change as well, and taken by
    `analytics.rollups.folding` within a second, or by whoever reads before.
    """

    kind = models.CharField(max_length=16)
    sign = models.SmallIntegerField(default=1)
    facts = WholeJSONField()

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class Rollup(models.Model):
    """One bucket of one subject. The subject is text, for it may outlive what it names.

    The key is reckoned from the bucket and the subject (`analytics.rollups.tallies`). `dimension`
    says what kind of thing `subject` is; both are empty for all there is. `whose` is the id of a
    user, or empty for all of them (not kept for what belongs to one user anyway).

    `SUMS` names the columns that add up; each of `SPREADS` names five that tell how numbers are
    spread: `…_count`, `…_ms` (their sum), `…_min`, `…_max` (null while there are none) and
    `…_histogram` (`analytics.rollups.histogram`).
    """

    SUMS: ClassVar[tuple[str, ...]]
    SPREADS: ClassVar[tuple[str, ...]]

    id = models.UUIDField(primary_key=True, editable=False)
    grain = models.CharField(max_length=4, choices=Grain.choices)
    dimension = models.CharField(max_length=16, blank=True)
    whose = models.CharField(max_length=36, blank=True)
    starts_at = models.DateTimeField()
    subject = models.CharField(max_length=280, blank=True)

    class Meta:
        abstract = True
        default_permissions = ("view",)
        indexes = [
            models.Index(
                fields=["dimension", "grain", "whose", "starts_at"], name="%(class)s_by_time"
            ),
            models.Index(fields=["starts_at"], name="%(class)s_of_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self.grain} {self.starts_at:%Y-%m-%d %H:%M} {self.subject or 'all'}"


class ExecutionRollup(Rollup, CallTotals):
    """Executions that ended in it, counted as in `TemplateAnalytics`, and their calls' totals.

    Dimensions: none, `status`, `template`, `definition`, `version` ("<definition>:<version>").
    """

    SUMS = ("completed_count", "failed_count", "cancelled_count", *COUNTED)
    SPREADS = ("duration",)

    completed_count = models.PositiveBigIntegerField(default=0)
    failed_count = models.PositiveBigIntegerField(default=0)
    cancelled_count = models.PositiveBigIntegerField(default=0)
    duration_count = models.PositiveBigIntegerField(default=0)
    duration_ms = models.PositiveBigIntegerField(default=0)
    duration_min = models.PositiveBigIntegerField(null=True)
    duration_max = models.PositiveBigIntegerField(null=True)
    duration_histogram = models.BinaryField(default=b"")


class ModelRollup(Rollup, CallTotals):
    """Model calls that began in it and are settled.

    Dimensions: `model` ("<provider>:<model>"), `status`.
    """

    SUMS = ("failed_count", "cancelled_count", "lost_count", "unasked_count", *COUNTED)
    SPREADS = ("latency", "first_token")

    failed_count = models.PositiveBigIntegerField(default=0)
    cancelled_count = models.PositiveBigIntegerField(default=0)
    lost_count = models.PositiveBigIntegerField(default=0)
    unasked_count = models.PositiveBigIntegerField(default=0)  # a cache or a recording answered
    latency_count = models.PositiveBigIntegerField(default=0)
    latency_ms = models.PositiveBigIntegerField(default=0)
    latency_min = models.PositiveBigIntegerField(null=True)
    latency_max = models.PositiveBigIntegerField(null=True)
    latency_histogram = models.BinaryField(default=b"")
    first_token_count = models.PositiveBigIntegerField(default=0)
    first_token_ms = models.PositiveBigIntegerField(default=0)
    first_token_min = models.PositiveBigIntegerField(null=True)
    first_token_max = models.PositiveBigIntegerField(null=True)
    first_token_histogram = models.BinaryField(default=b"")


class ToolRollup(Rollup):
    """Tool calls that began in it and are settled. Dimensions: `tool`, `status`."""

    SUMS = (
        *("call_count", "failed_count", "refused_count", "timed_out_count"),
        *("cancelled_count", "lost_count", "unasked_count"),
    )
    SPREADS = ("latency",)

    call_count = models.PositiveBigIntegerField(default=0)
    failed_count = models.PositiveBigIntegerField(default=0)
    refused_count = models.PositiveBigIntegerField(default=0)
    timed_out_count = models.PositiveBigIntegerField(default=0)
    cancelled_count = models.PositiveBigIntegerField(default=0)
    lost_count = models.PositiveBigIntegerField(default=0)
    unasked_count = models.PositiveBigIntegerField(default=0)
    latency_count = models.PositiveBigIntegerField(default=0)
    latency_ms = models.PositiveBigIntegerField(default=0)
    latency_min = models.PositiveBigIntegerField(null=True)
    latency_max = models.PositiveBigIntegerField(null=True)
    latency_histogram = models.BinaryField(default=b"")
