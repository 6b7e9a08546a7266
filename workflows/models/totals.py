"""What model calls add up to, kept on whatever they were made for."""

from django.db import models


class CallTotals(models.Model):
    """Kept sums of settled model calls; how to read them is told by `workflows.totals`.

    Tokens and cost sum up what is known; the counts of inexact calls say what is not.
    """

    call_count = models.PositiveBigIntegerField(default=0)
    estimated_calls = models.PositiveBigIntegerField(default=0)
    unpriced_calls = models.PositiveBigIntegerField(default=0)
    open_calls = models.PositiveBigIntegerField(default=0)
    input_tokens = models.PositiveBigIntegerField(default=0)
    cache_read_tokens = models.PositiveBigIntegerField(default=0)
    cache_write_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    reasoning_tokens = models.PositiveBigIntegerField(default=0)
    cost_nano_usd = models.BigIntegerField(default=0)

    class Meta:
        abstract = True
