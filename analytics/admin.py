"""The back office of analytics: kept numbers, read only."""

from django.contrib import admin

from analytics.models import Rating, ReplyRating, TemplateAnalytics
from conversations.admin import Totals
from core.back_office import ReadOnlyAdmin
from core.long_lists import LongList
from workflows.totals import mean_cost


@admin.register(TemplateAnalytics)
class TemplateAnalyticsAdmin(Totals, ReadOnlyAdmin, admin.ModelAdmin):
    list_display = (
        "template",
        "execution_count",
        "completed_count",
        "failed_count",
        "cancelled_count",
        "mean_ms",
        "tokens",
        "cost",
        "mean_cost",
        "exactness",
        "rating",
        "satisfaction",
    )
    list_select_related = ("template",)
    search_fields = ("template__name", "template__slug")

    @admin.display(description="mean ms")
    def mean_ms(self, obj: TemplateAnalytics) -> str:
        return f"{obj.duration_ms / obj.execution_count:.0f}" if obj.execution_count else "no data"

    @admin.display(description="mean cost")
    def mean_cost(self, obj: TemplateAnalytics) -> str:
        if not obj.execution_count:
            return "no data"
        return mean_cost(vars(obj), obj.execution_count) or "unknown"

    @admin.display(description="rating")
    def rating(self, obj: TemplateAnalytics) -> str:
        if not obj.rating_count:
            return "none"
        return f"{obj.rating_sum / obj.rating_count:.1f} of 5 ({obj.rating_count})"

    @admin.display(description="satisfaction")
    def satisfaction(self, obj: TemplateAnalytics) -> str:
        rated = obj.helpful_count + obj.unhelpful_count
        return f"{obj.helpful_count / rated:.0%} of {rated}" if rated else "no data"


@admin.register(Rating)
class RatingAdmin(ReadOnlyAdmin, admin.ModelAdmin):
    list_display = ("template", "user", "stars", "comment", "updated_at")
    list_filter = ("stars", "updated_at")
    list_select_related = ("template", "user")
    search_fields = ("template__name", "template__slug", "user__username", "comment")


@admin.register(ReplyRating)
class ReplyRatingAdmin(LongList, admin.ModelAdmin):
    """Who said it and why; not what was said, which is for its owner alone."""

    list_display = ("template", "definition", "user", "helpful", "comment", "updated_at")
    list_filter = ("helpful", "updated_at")
    list_select_related = ("template", "definition", "user")
    search_fields = ("user__username", "template__name", "template__slug", "definition__name")
    search_texts = ("comment", "user__username", "template__name", "definition__name")
    search_help_text = "The name of a user, of a template or of a workflow, or a part of a comment"
    fields = readonly_fields = (*list_display, "version", "message_id")
