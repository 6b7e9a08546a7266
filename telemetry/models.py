"""Counters of the whole installation, kept in the transaction of what they count."""

from django.db import models

from telemetry.buckets import SECONDS


class TallyKind(models.TextChoices):
    EXECUTION = "execution"
    MODEL = "model"
    TOOL = "tool"


class Tally(models.Model):
    """What ended so far that is alike; it only grows, whatever is deleted or pruned later.

    `subject` is "provider:model", a tool, or how an execution reruns another; `source`
    says who answered. `bucket` numbers `telemetry.buckets`, of how long it took. Each process
    writes to the rows of its `shard`, so that few wait for one another; a total is their sum.
    """

    kind = models.CharField(max_length=10, choices=TallyKind.choices)
    subject = models.CharField(max_length=270, blank=True, default="")
    source = models.CharField(max_length=16, blank=True, default="")
    status = models.CharField(max_length=16)
    exactness = models.CharField(max_length=16, blank=True, default="")
    bucket = models.PositiveSmallIntegerField(default=len(SECONDS))
    shard = models.PositiveSmallIntegerField()
    count = models.PositiveBigIntegerField(default=0)
    took_ms = models.PositiveBigIntegerField(default=0)
    input_tokens = models.PositiveBigIntegerField(default=0)
    cache_read_tokens = models.PositiveBigIntegerField(default=0)
    cache_write_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    reasoning_tokens = models.PositiveBigIntegerField(default=0)
    cost_nano_usd = models.BigIntegerField(default=0)

    class Meta:
        default_permissions = ()
        verbose_name_plural = "tallies"
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject", "source", "status", "exactness", "bucket", "shard"],
                name="telemetry_one_tally",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject} {self.status}: {self.count}"
