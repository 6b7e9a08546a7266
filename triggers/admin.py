"""The back office of triggers: looked at, paused, resumed and run; people change their own."""

from collections.abc import Callable
from typing import Any

from asgiref.sync import async_to_sync
from django.contrib import admin, messages
from django.http import HttpRequest

from accounts.authentication import user_of
from audit.context import current
from core.back_office import ReadOnlyAdmin
from core.errors import ChatterError
from core.long_lists import LongList, Made
from triggers.models import Chain, ChainFiring, Schedule, ScheduleFiring
from triggers.services.chains import change_chain
from triggers.services.firing import run_now
from triggers.services.schedules import pause_schedule, resume_schedule
from workflows.back_office import once_of_page


class _ActingAdmin(ReadOnlyAdmin, admin.ModelAdmin):
    """Looked at, and acted on through services."""

    def _each(
        self, request: HttpRequest, rows: Any, act: Callable[[Any], object], done: str
    ) -> None:
        """Act on each row; who is refused is told why."""
        number = 0
        for row in rows:
            try:
                act(row)
                number += 1
            except ChatterError as error:
                self.message_user(request, f"{row}: {error}", messages.WARNING)
        self.message_user(request, f"{done} {number}.")


@admin.register(Schedule)
class ScheduleAdmin(_ActingAdmin):
    list_display = (
        "name",
        "owner",
        "kind",
        "cron",
        "time_zone",
        "every_s",
        "paused",
        "next_at",
        "last_at",
        "last_status",
        "last_code",
    )
    list_filter = ("paused", "kind", "misfire", "last_status", "next_at")
    search_fields = ("id", "name", "owner__username")
    list_select_related = ("owner",)
    actions: tuple[str, ...] = ("pause", "resume", "run")

    @admin.action(description="Pause the selected schedules", permissions=["act"])
    def pause(self, request: HttpRequest, queryset: Any) -> None:
        by = user_of(request)
        self._each(request, queryset, lambda one: pause_schedule(one, by=by), "Paused")

    @admin.action(description="Resume the selected schedules", permissions=["act"])
    def resume(self, request: HttpRequest, queryset: Any) -> None:
        by = user_of(request)
        self._each(request, queryset, lambda one: resume_schedule(one, by=by), "Resumed")

    @admin.action(description="Run the selected schedules now", permissions=["act"])
    def run(self, request: HttpRequest, queryset: Any) -> None:
        told: dict[str, Any] = {"by": user_of(request), "request_id": current().request_id}

        def run(one: Schedule) -> None:
            async_to_sync(run_now)(one, **told, **once_of_page(request, "run", one))

        self._each(request, queryset.for_list(), run, "Started")


@admin.register(ScheduleFiring)
class ScheduleFiringAdmin(LongList, admin.ModelAdmin):
    list_display = ("schedule", "fire_at", "until", "status", "code", "manual", "execution")
    list_filter = ("status", "manual", "fire_at")
    search_fields = ("schedule", "schedule__name", "execution")
    search_texts = ("schedule__name",)
    search_help_text = "The id or the name of a schedule, or the id of an execution"
    list_select_related = ("schedule", "execution")


@admin.register(Chain)
class ChainAdmin(_ActingAdmin):
    list_display = (
        "name",
        "owner",
        "after_definition",
        "after_template",
        "on",
        "definition",
        "template",
        "paused",
    )
    list_filter = ("paused",)
    search_fields = ("id", "name", "owner__username")
    list_select_related = ("owner", "definition", "template", "after_definition", "after_template")
    actions: tuple[str, ...] = ("pause", "resume")

    @admin.action(description="Pause the selected chains", permissions=["act"])
    def pause(self, request: HttpRequest, queryset: Any) -> None:
        by = user_of(request)
        self._each(request, queryset, lambda one: change_chain(one, by=by, paused=True), "Paused")

    @admin.action(description="Resume the selected chains", permissions=["act"])
    def resume(self, request: HttpRequest, queryset: Any) -> None:
        by = user_of(request)
        self._each(request, queryset, lambda one: change_chain(one, by=by, paused=False), "Resumed")


@admin.register(ChainFiring)
class ChainFiringAdmin(LongList, admin.ModelAdmin):
    list_display = ("chain", "source", "status", "depth", "code", "execution", "created_at")
    list_filter = ("status", ("created_at", Made))
    search_fields = ("chain", "chain__name", "source", "execution")
    search_texts = ("chain__name",)
    search_help_text = "The id or the name of a chain, or the id of either execution"
    list_select_related = ("chain", "source", "execution")
