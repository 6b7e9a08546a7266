"""Settings of tools, grants and the ledger in the back office."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.authentication import user_of
from audit.admin_mixin import AuditedAdmin
from core.back_office import execution_link
from core.long_lists import KnownValues, LongList, Made
from tools import mcp_admin as mcp_admin  # its pages belong to these
from tools.catalogue import catalogue
from tools.models import ToolCall, ToolGrant, ToolSetting
from tools.services.grants import grantable


@admin.register(ToolSetting)
class ToolSettingAdmin(AuditedAdmin, admin.ModelAdmin):  # type: ignore[type-arg]
    """Tools come with the installation or a server: switched on and off here, not added."""

    list_display = ("tool", "label", "scopes", "enabled", "open_to_all", "calls", "failed")
    list_filter = ("enabled", "open_to_all")
    readonly_fields = ("tool", "label", "scopes")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ToolSetting]:
        return ToolSetting.objects.for_list()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="calls in 30 days")
    def calls(self, setting: Any) -> int:
        return int(setting.calls)

    @admin.display(description="failed")
    def failed(self, setting: Any) -> int:
        return int(setting.failed)

    @admin.display(description="label")
    def label(self, setting: ToolSetting) -> str:
        tool = catalogue.get(setting.tool)
        return tool.label if tool else "not here any more, or not approved"

    @admin.display(description="scopes")
    def scopes(self, setting: ToolSetting) -> str:
        tool = catalogue.get(setting.tool)
        return ", ".join(tool.scopes) if tool and tool.scopes else "-"


class GrantForm(forms.ModelForm):  # type: ignore[type-arg]
    tool = forms.ChoiceField(choices=grantable)

    class Meta:
        model = ToolGrant
        fields = (
            *("user", "group", "tool", "allow", "expires_at"),
            *("from_time", "to_time", "time_zone", "calls_per_hour"),
        )


@admin.register(ToolGrant)
class ToolGrantAdmin(AuditedAdmin, admin.ModelAdmin):  # type: ignore[type-arg]
    form = GrantForm
    last_fields = ("user", "group", "tool", "allow")
    list_display = ("who", "tool", "allow", "expires_at", "hours", "calls_per_hour")
    list_filter = ("allow", "tool")
    list_select_related = ("user", "group")
    search_fields = ("user__username", "group__name", "tool")
    autocomplete_fields = ("user", "group")

    @admin.display(description="hours")
    def hours(self, grant: ToolGrant) -> str:
        if grant.from_time is None or grant.to_time is None:
            return "always"
        return f"{grant.from_time:%H:%M} to {grant.to_time:%H:%M} {grant.time_zone}"


class ToolFilter(KnownValues):
    title = parameter_name = "tool"

    def known(self) -> Iterable[str]:
        return ToolSetting.objects.values_list("tool", flat=True)


@admin.register(ToolCall)
class ToolCallAdmin(LongList, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = (
        *("started_at", "tool", "user", "node", "attempt", "status", "error_code"),
        *("answered_by", "latency_ms", "page"),
    )
    list_filter = ("status", "answered_by", ToolFilter, ("started_at", Made))
    list_select_related = ("user",)
    search_fields = ("origin", "id", "request_id")
    search_help_text = "An origin (execution:<id>), a request id, or the call's own id"

    def get_queryset(self, request: HttpRequest) -> QuerySet[ToolCall]:
        return ToolCall.objects.visible_to(user_of(request))

    @admin.display(description="page")
    def page(self, call: ToolCall) -> str:
        return execution_link(call.origin)
