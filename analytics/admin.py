"""The back office of analytics: kept numbers, read only."""

from typing import Any

from django.contrib import admin

from analytics.models import TemplateAnalytics, UserUsage
from conversations.admin import Totals
from core.back_office import ReadOnlyAdmin

_COLUMNS = (
    "execution_count",
    "completed_count",
    "failed_count",
    "cancelled_count",
    "mean_ms",
    "tokens",
    "cost",
    "exactness",
)


class _UsageAdmin(Totals, ReadOnlyAdmin, admin.ModelAdmin):
    @admin.display(description="mean ms")
    def mean_ms(self, obj: Any) -> str:
        return f"{obj.duration_ms / obj.execution_count:.0f}" if obj.execution_count else "no data"


@admin.register(TemplateAnalytics)
class TemplateAnalyticsAdmin(_UsageAdmin):
    list_display = ("template", *_COLUMNS)
    list_select_related = ("template",)
    search_fields = ("template__name", "template__slug")


@admin.register(UserUsage)
class UserUsageAdmin(_UsageAdmin):
    list_display = ("user", *_COLUMNS)
    list_select_related = ("user",)
    search_fields = ("user__username",)
