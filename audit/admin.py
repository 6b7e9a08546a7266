"""The audit trail in the back office: to be read, searched and filtered, never changed."""

import json
from pathlib import Path
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html

from audit.models import AuditCheckpoint, AuditEntry
from core.back_office import ReadOnlyAdmin
from core.long_lists import LongList, Made


class AppFilter(admin.SimpleListFilter):
    """By the app an action belongs to; a list of all actions would cost a walk through all rows."""

    title = "app"
    parameter_name = "app"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        here = [one.label for one in apps.get_app_configs() if _is_ours(one)]
        return [(label, label) for label in sorted([*here, "auth"])]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        app = self.value()
        if not app:
            return queryset
        # Bounds that an index has, whatever the collation; a prefix it may not have.
        near = queryset.filter(action__gte=app, action__lt=f"{app}zzzz")
        return near.filter(action__startswith=f"{app}.")


def _is_ours(config: AppConfig) -> bool:
    return Path(config.path).parent == settings.BASE_DIR


@admin.register(AuditEntry)
class AuditEntryAdmin(LongList, admin.ModelAdmin):
    list_display = ("seq", "at", "action", "outcome", "actor", "target_link", "request_id")
    list_filter = ("outcome", AppFilter, ("at", Made))
    search_fields = ("action", "target", "request_id", "actor_id")
    search_texts = ("action", "target")
    search_help_text = "Action, target, request id, or the id of who acted"
    fields = (
        *("id", "seq", "at", "action", "outcome", "actor", "target_link"),
        *("detail_text", "personal_text", "request_id", "hash", "seal"),
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEntry]:
        return AuditEntry.objects.visible_to(request.user).for_list()

    def seq(self, entry: AuditEntry) -> int | None:
        return entry.seq

    @admin.display(description="actor", ordering="actor_id")
    def actor(self, entry: Any) -> str:
        return entry.actor_name or (str(entry.actor_id) if entry.actor_id else "-")

    @admin.display(description="target", ordering="target")
    def target_link(self, entry: AuditEntry) -> str:
        label, _, key = entry.target.partition(":")
        try:
            url = reverse(f"admin:{label.replace('.', '_')}_change", args=[key])
        except NoReverseMatch:
            return entry.target or "-"
        return format_html('<a href="{}">{}</a>', url, entry.target)

    @admin.display(description="detail")
    def detail_text(self, entry: AuditEntry) -> str:
        return _shown(entry.detail)

    @admin.display(description="personal")
    def personal_text(self, entry: AuditEntry) -> str:
        if entry.personal is None and entry.personal_hash:
            return "erased"
        return _shown(entry.personal_content)


@admin.register(AuditCheckpoint)
class AuditCheckpointAdmin(ReadOnlyAdmin, admin.ModelAdmin):
    list_display = ("seq", "at", "seal", "public_key")
    list_filter = ("at",)


def _shown(value: Any) -> str:
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)
    return format_html("<pre>{}</pre>", text) if value else "-"
