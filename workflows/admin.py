"""The back office of workflows: templates are changed, runs looked at; what acts are actions."""

from typing import Any

from asgiref.sync import async_to_sync
from django.contrib import admin, messages
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from accounts.authentication import user_of
from audit.admin_mixin import AuditedAdmin
from audit.context import current
from core.back_office import DeletedWhole, ReadOnlyAdmin
from core.errors import ChatterError
from core.long_lists import LongList, Made
from core.models import new_id
from workflows import approval_admin as approval_admin  # their pages belong to these
from workflows import definition_admin as definition_admin
from workflows.back_office import once_of_page, picture_html
from workflows.forms import TemplateForm
from workflows.models import (
    ExecutionEvent,
    IdempotencyKey,
    PumpHost,
    Rerun,
    WorkflowExecution,
    WorkflowTemplate,
    WorkflowVersion,
)
from workflows.services.executions import cancel_execution
from workflows.services.reruns import RerunRequest, start_rerun
from workflows.services.templates import change_template
from workflows.totals import totals_json


class BuiltInFilter(admin.RelatedFieldListFilter):
    """Of users' own there may be very many, and their names are theirs."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        return field.get_choices(include_blank=False, limit_choices_to={"owner": None})


@admin.register(WorkflowExecution)
class ExecutionAdmin(LongList, admin.ModelAdmin):
    list_display = (
        "short",
        "status",
        "kind",
        "rerun",
        "user",
        "template",
        "tokens",
        "cost",
        "exactness",
        "duration_ms",
        "attempt",
        "created_at",
        "page",
    )
    list_filter = (
        *("status", "kind", "rerun", "debug"),
        *(("template", BuiltInFilter), ("created_at", Made)),
    )
    search_fields = ("id", "request_id", "user__username", "serial_key", "template__slug")
    search_texts = ("user__username", "template__slug")
    search_help_text = "An id, a request id, a user, a template's slug, or conversation:<id>"
    list_select_related = ("user", "template")
    actions: tuple[str, ...] = ("cancel", "replay")

    @admin.display(description="execution", ordering="id")
    def short(self, obj: WorkflowExecution) -> str:
        return str(obj.id)[-12:]

    @admin.display(description="tokens")
    def tokens(self, obj: WorkflowExecution) -> int:
        return totals_json(vars(obj))["total_tokens"]

    @admin.display(description="cost, $", ordering="cost_nano_usd")
    def cost(self, obj: WorkflowExecution) -> str:
        return totals_json(vars(obj))["cost"] or "unknown"

    @admin.display(description="exactness")
    def exactness(self, obj: WorkflowExecution) -> str:
        return totals_json(vars(obj))["exactness"]

    @admin.display(description="page")
    def page(self, obj: WorkflowExecution) -> str:
        return format_html('<a href="{}">open</a>', reverse("execution", args=[obj.pk]))

    @admin.action(description="Cancel the selected executions", permissions=["act"])
    def cancel(self, request: HttpRequest, queryset: Any) -> None:
        stopped = 0
        for execution in queryset:
            try:
                async_to_sync(cancel_execution)(execution.id, by=user_of(request))
                stopped += 1
            except ChatterError as error:
                self.message_user(request, f"{execution}: {error}", messages.WARNING)
        self.message_user(request, f"Asked {stopped} executions to stop.")

    @admin.action(description="Replay the selected executions, at no cost", permissions=["act"])
    def replay(self, request: HttpRequest, queryset: Any) -> None:
        started = 0
        for execution in queryset.select_related("user", "template", "definition"):
            once = once_of_page(request, "replay", execution)
            wanted = RerunRequest(new_id(), Rerun.REPLAY, current().request_id, **once)
            try:
                async_to_sync(start_rerun)(user_of(request), execution, wanted)
                started += 1
            except ChatterError as error:
                self.message_user(request, f"{execution}: {error}", messages.WARNING)
        self.message_user(request, f"Started {started} executions.")


@admin.register(PumpHost)
class PumpHostAdmin(ReadOnlyAdmin, admin.ModelAdmin):
    """Who runs executions; one that says nothing for the time of a lease is taken for dead."""

    list_display = ("owner", "alive", "claiming", "running", "cluster", "created_at", "beat_at")
    list_filter = ("host", "claiming")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        alive = PumpHost.objects.alive().filter(pk=OuterRef("pk"))
        return super().get_queryset(request).annotate(lives=Exists(alive))

    @admin.display(boolean=True)
    def alive(self, obj: Any) -> bool:
        return bool(obj.lives)


@admin.register(ExecutionEvent)
class EventAdmin(LongList, admin.ModelAdmin):
    list_display = ("execution_id", "seq", "kinds", "created_at")
    ordering = ("-id",)
    search_fields = ("execution",)
    search_help_text = "The id of an execution"

    @admin.display(description="events")
    def kinds(self, obj: ExecutionEvent) -> str:
        return f"{obj.frames.count(chr(10)) + 1} events"


@admin.register(WorkflowVersion)
class VersionAdmin(LongList, admin.ModelAdmin):
    list_display = ("content_hash", "created_at")
    search_fields = ("content_hash", "id")
    search_texts = ("content_hash",)
    readonly_fields = ("picture",)

    class Media:
        css = {"all": ["css/graph.css"]}

    @admin.display(description="picture")
    def picture(self, obj: WorkflowVersion) -> str:
        return picture_html(obj.graph)


@admin.register(WorkflowTemplate)
class TemplateAdmin(AuditedAdmin, DeletedWhole, admin.ModelAdmin):
    """Words, parameters and who sees it may be changed here; its graph is saved through the API."""

    form = TemplateForm
    change_form_template = "workflows/admin/guarded.html"
    list_display = ("name", "slug", "category", "owner", "public", "updated_at")
    list_filter = ("category", "public")
    search_fields = ("name", "slug", "description")
    list_select_related = ("owner",)
    readonly_fields = ("slug", "owner", "revision", "picture")

    class Media:
        css = {"all": ["css/graph.css"]}

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return (
            ("Graph", {"fields": ("picture",)}),
            ("About", {"fields": ("name", "slug", "description", "category", "owner")}),
            ("Use", {"fields": ("parameters", "public", "revision")}),
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A built-in template comes with the release, and changes with it."""
        return super().has_change_permission(request, obj) and not (obj and obj.built_in)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj and obj.built_in)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        change_template(obj, by=user_of(request), **form.changes)

    @admin.display(description="graph")
    def picture(self, obj: WorkflowTemplate) -> str:
        return picture_html(obj.version.graph)


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(LongList, admin.ModelAdmin):
    list_display = ("key", "user", "execution", "created_at")
    search_fields = ("execution", "user__username", "key")
    search_texts = ("user__username", "key")
    search_help_text = "The id of an execution, the name of a user, or a key"
    list_select_related = ("user", "execution")
