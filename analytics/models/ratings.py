"""What people think of templates and of replies."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from analytics.querysets import ReplyRatingQuerySet
from core.models import EditableRecord


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
    """Whether a reply helped whoever asked, and why.

    `template`, `definition` and `version` are what gave the reply: those of its execution.
    """

    message = models.ForeignKey("conversations.Message", models.CASCADE, related_name="ratings")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    template = models.ForeignKey(
        "workflows.WorkflowTemplate", models.SET_NULL, null=True, related_name="+"
    )
    definition = models.ForeignKey(
        "workflows.WorkflowDefinition", models.SET_NULL, null=True, related_name="+"
    )
    version = models.ForeignKey(
        "workflows.WorkflowVersion", models.SET_NULL, null=True, related_name="+"
    )
    helpful = models.BooleanField()
    comment = models.TextField(blank=True)

    objects = ReplyRatingQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["message", "user"], name="analytics_one_rating_per_user_and_reply"
            ),
        ]
        indexes = [models.Index(fields=["created_at"], name="reply_ratings_by_time")]

    def __str__(self) -> str:
        return "helpful" if self.helpful else "not helpful"
