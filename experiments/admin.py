"""The back office of experiments: looked at; people act on their own page or over the API."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from core.back_office import ReadOnlyAdmin
from core.long_lists import LongList, Made
from experiments.models import Experiment, Exposure, Unit, UnitEvent, Variant


class VariantsInline(admin.TabularInline):
    model = Variant
    fields = readonly_fields = (
        "name", "weight", "control", "changes", "number", "template", "parameters", "stopped_at",
        "stopped_because",
    )  # fmt: skip
    extra = 0
    can_delete = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Variant]:
        return super().get_queryset(request).select_related("template")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Experiment)
class ExperimentAdmin(ReadOnlyAdmin, admin.ModelAdmin):
    list_display = (
        "name", "owner", "template", "definition", "unit", "audience", "traffic_percent",
        "primary", "status", "started_at", "completed_at", "winner",
    )  # fmt: skip
    list_filter = ("status", "audience", "unit")
    search_fields = ("id", "name", "owner__username")
    list_select_related = ("owner", "template", "definition", "winner")
    inlines = (VariantsInline,)


@admin.register(Unit)
class UnitAdmin(LongList, admin.ModelAdmin):
    list_display = ("key", "experiment", "variant", "created_at")
    list_filter = ("created_at",)
    search_fields = ("experiment", "id", "user__username", "key")
    search_texts = ("key", "experiment__name")
    search_help_text = "The name of a user, a key (conversation:<id>), or an experiment"
    list_select_related = ("experiment", "variant")


@admin.register(Exposure)
class ExposureAdmin(LongList, admin.ModelAdmin):
    list_display = ("unit", "experiment", "variant", "execution", "diverted", "created_at")
    list_filter = ("diverted", ("created_at", Made))
    search_fields = ("execution", "unit", "experiment")
    search_texts = ("experiment__name",)
    search_help_text = "The id of an execution or of a unit, or an experiment"
    list_select_related = ("unit", "experiment", "variant", "execution")


@admin.register(UnitEvent)
class UnitEventAdmin(LongList, admin.ModelAdmin):
    list_display = ("name", "value", "unit", "experiment", "created_at")
    list_filter = ("created_at",)
    search_fields = ("unit", "experiment")
    search_texts = ("name", "experiment__name")
    search_help_text = "The name of an event, the id of a unit, or an experiment"
    list_select_related = ("unit", "experiment")
