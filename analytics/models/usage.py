"""Kept numbers per template and per user (`analytics.aggregates`)."""

from django.conf import settings
from django.db import models

from workflows.models.totals import CallTotals


class Usage(CallTotals):
    """What finished executions add up to; the mean time is `duration_ms` over `execution_count`."""

    execution_count = models.PositiveBigIntegerField(default=0)
    completed_count = models.PositiveBigIntegerField(default=0)
    failed_count = models.PositiveBigIntegerField(default=0)
    cancelled_count = models.PositiveBigIntegerField(default=0)
    duration_ms = models.PositiveBigIntegerField(default=0)

    class Meta:
        abstract = True


class TemplateAnalytics(Usage):
    """How one template is doing; the mean rating is `rating_sum` over `rating_count`.

    `helpful_count` and `unhelpful_count` are of replies (`ReplyRating`).
    """

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


class UserUsage(Usage):
    """What one user has run."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="usage"
    )

    class Meta:
        verbose_name_plural = "user usage"

    def __str__(self) -> str:
        return f"usage of {self.user_id}"
