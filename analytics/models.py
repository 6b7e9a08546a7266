"""Kept numbers per template and per user (`analytics.aggregates`), and what people think."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.models import EditableRecord
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


class Rating(EditableRecord):
    """What one user thinks of one template: 1 to 5 stars, and why."""

    template = models.ForeignKey(
        "workflows.WorkflowTemplate", models.CASCADE, related_name="ratings"
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    stars = models.PositiveSmallIntegerField()
    comment = models.TextField(blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["template", "user"], name="analytics_one_rating_per_user_and_template"
            ),
            models.CheckConstraint(
                condition=Q(stars__gte=1, stars__lte=5), name="analytics_one_to_five_stars"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.stars} of 5"


class ReplyRating(EditableRecord):
    """Whether a reply helped whoever asked, and why. `template` is what gave the reply."""

    message = models.ForeignKey("conversations.Message", models.CASCADE, related_name="ratings")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    template = models.ForeignKey(
        "workflows.WorkflowTemplate", models.SET_NULL, null=True, related_name="+"
    )
    helpful = models.BooleanField()
    comment = models.TextField(blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["message", "user"], name="analytics_one_rating_per_user_and_reply"
            ),
        ]

    def __str__(self) -> str:
        return "helpful" if self.helpful else "not helpful"


class UserUsage(Usage):
    """What one user has run."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="usage"
    )

    class Meta:
        verbose_name_plural = "user usage"

    def __str__(self) -> str:
        return f"usage of {self.user_id}"
