"""Kept numbers per template (`analytics.aggregates`)."""

from django.db import models

from workflows.models.totals import CallTotals


class TemplateAnalytics(CallTotals):
    """How one template is doing: what its finished executions add up to, and how it was rated.

    The mean time is `duration_ms` over `execution_count`, the mean rating `rating_sum` over
    `rating_count`. `helpful_count` and `unhelpful_count` are of replies (`ReplyRating`).
    """

    execution_count = models.PositiveBigIntegerField(default=0)
    completed_count = models.PositiveBigIntegerField(default=0)
    failed_count = models.PositiveBigIntegerField(default=0)
    cancelled_count = models.PositiveBigIntegerField(default=0)
    duration_ms = models.PositiveBigIntegerField(default=0)
    rating_count = models.PositiveBigIntegerField(default=0)
    rating_sum = models.PositiveBigIntegerField(default=0)
    helpful_count = models.PositiveBigIntegerField(default=0, db_default=0)
    unhelpful_count = models.PositiveBigIntegerField(default=0, db_default=0)
    template = models.OneToOneField(
        "workflows.WorkflowTemplate", models.CASCADE, primary_key=True, related_name="analytics"
    )

    class Meta:
        verbose_name_plural = "template analytics"

    def __str__(self) -> str:
        return f"analytics of {self.template_id}"
