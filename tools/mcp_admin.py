"""MCP servers and their tools in the back office."""

from collections.abc import Mapping
from typing import Any

import orjson
from asgiref.sync import async_to_sync
from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.html import format_html

from accounts.authentication import user_of
from audit.admin_mixin import AuditedAdmin
from core.back_office import DeletedWhole
from core.errors import ChatterError
from tools.mcp.endpoint import STDIO
from tools.models import McpServer, McpTool, ToolSetting
from tools.services.mcp_servers import (
    check_health,
    headers_text,
    refresh_server,
    withdraw_approvals,
)
from tools.services.mcp_tools import Report, approve_tool, set_tool

_HEALTH = (
    *("ok", "error_message", "latency_ms", "protocol_version", "server_name", "server_version"),
    *("checked_at", "refreshed_at"),
)


def _commands() -> list[tuple[str, str]]:
    return [("", "-"), *((name, name) for name in settings.CHATTER_MCP_COMMANDS)]


class McpServerForm(forms.ModelForm):  # type: ignore[type-arg]
    command = forms.ChoiceField(
        choices=_commands, required=False, help_text="For stdio: one of CHATTER_MCP_COMMANDS."
    )
    new_headers = forms.CharField(
        label="Headers",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off"}),
        help_text="“Name: value”, one in a line. Stored encrypted and never shown again. "
        "Leave empty to keep those there are; at another address none are kept.",
    )
    remove_headers = forms.BooleanField(label="Remove the headers", required=False)

    class Meta:
        model = McpServer
        fields = ("name", "transport", "url", "command", "enabled", "timeout_s")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.address_before = self.instance.address

    @property
    def moved(self) -> bool:
        """Whether the server is elsewhere than before; to be asked once the form is valid."""
        return bool(self.instance.address != self.address_before)

    def clean_new_headers(self) -> str:
        try:
            return headers_text(_headers(self.cleaned_data["new_headers"]))
        except ChatterError as error:
            raise forms.ValidationError(str(error)) from error

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if self.cleaned_data.get("transport") == STDIO and not self.cleaned_data.get("command"):
            self.add_error("command", "Name a command; they are listed in CHATTER_MCP_COMMANDS.")
        return cleaned

    def save(self, commit: bool = True) -> McpServer:
        if self.cleaned_data["remove_headers"] or self.moved:
            self.instance.headers = ""
        if self.cleaned_data["new_headers"]:
            self.instance.headers = self.cleaned_data["new_headers"]
        saved: McpServer = super().save(commit)
        return saved


def _headers(text: str) -> Mapping[str, str]:
    """A line without a colon is a name that no header has."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    pairs = [
        line.partition(":")[::2] if ":" in line else ("A line without “:”", "") for line in lines
    ]
    return {name.strip(): value.strip() for name, value in pairs}


@admin.register(McpServer)
class McpServerAdmin(AuditedAdmin, DeletedWhole, admin.ModelAdmin):  # type: ignore[type-arg]
    """Saving asks nothing of a server; the actions do."""

    form = McpServerForm
    list_display = (
        "name",
        "transport",
        "address",
        "enabled",
        "ok",
        "error_message",
        "refreshed_at",
    )
    list_filter = ("transport", "enabled", "ok")
    search_fields = ("name", "url", "command")
    last_fields = ("name", "transport")
    secret_fields = ("new_headers",)
    actions = ("ask_health", "ask_tools")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("name", *_HEALTH) if obj else ()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            if form.moved:
                withdraw_approvals(obj)

    def change_of(self, obj: Any, form: Any, name: str) -> Any:
        """Of a URL where it leads: what follows the host may be a key."""
        if name == "url":
            return {"from": form.address_before or None, "to": obj.address}
        return super().change_of(obj, form, name)

    @admin.action(description="Ask how they are", permissions=["change"])
    def ask_health(self, request: HttpRequest, servers: QuerySet[McpServer]) -> None:
        for server in servers:
            self._tell(request, server, async_to_sync(check_health)(server), "It answers.")

    @admin.action(description="Ask for their tools", permissions=["change"])
    def ask_tools(self, request: HttpRequest, servers: QuerySet[McpServer]) -> None:
        for server in servers:
            try:
                report, error = async_to_sync(refresh_server)(server, by=user_of(request))
            except ChatterError as refused:
                report, error = Report(), refused
            counts = f"{len(report.added)} new, {len(report.changed)} changed, "
            left_out = "".join(f" {one.name}: {one.reason}" for one in report.left_out)
            self._tell(request, server, error, f"{counts}{len(report.gone)} gone.{left_out}")

    def _tell(
        self, request: HttpRequest, server: McpServer, error: ChatterError | None, good: str
    ) -> None:
        level = messages.ERROR if error else messages.SUCCESS
        self.message_user(request, f"{server}: {error or good}", level)


@admin.register(McpTool)
class McpToolAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Looked at here, and approved; the actions write their own entries."""

    list_display = ("key", "server", "approved", "on", "open_to_all", "present", "last_seen_at")
    list_filter = ("server", "present")
    list_select_related = ("server",)
    search_fields = ("key", "name")
    actions = ("approve", "switch_on", "switch_off", "open", "close")
    readonly_fields = (
        *("server", "name", "key", "title", "description", "schema", "approved"),
        *("offered_now", "approved_at", "present", "first_seen_at", "last_seen_at"),
    )
    fields = readonly_fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[McpTool]:
        tools: QuerySet[McpTool] = super().get_queryset(request).annotate(**_decided())
        return tools

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="approved", boolean=True)
    def approved(self, tool: McpTool) -> bool:
        return tool.is_approved

    @admin.display(description="on", boolean=True)
    def on(self, tool: Any) -> bool:
        return bool(tool.is_on)

    @admin.display(description="open to all", boolean=True)
    def open_to_all(self, tool: Any) -> bool:
        return bool(tool.is_open)

    @admin.display(description="arguments")
    def schema(self, tool: McpTool) -> str:
        return _shown(tool.input_schema)

    @admin.display(description="what the server offers now, if it is not approved")
    def offered_now(self, tool: McpTool) -> str:
        return _shown(tool.offered) if tool.offered else "-"

    @admin.action(description="Approve what the servers offer now", permissions=["change"])
    def approve(self, request: HttpRequest, tools: QuerySet[McpTool]) -> TemplateResponse | None:
        """On a page that shows what they are; it sends back the hash of what it showed."""
        if "post" not in request.POST:
            return self._offers(request, tools)
        approved = 0
        for tool in tools:
            shown = request.POST.get(f"hash-{tool.pk}", "")
            try:
                approve_tool(tool, by=user_of(request), content_hash=shown)
                approved += 1
            except ChatterError as error:
                self.message_user(request, f"{tool}: {error}", messages.WARNING)
        self.message_user(request, f"Approved {approved} tools.")
        return None

    @admin.action(description="Switch on", permissions=["change"])
    def switch_on(self, request: HttpRequest, tools: QuerySet[McpTool]) -> None:
        self._set(request, tools, enabled=True)

    @admin.action(description="Switch off", permissions=["change"])
    def switch_off(self, request: HttpRequest, tools: QuerySet[McpTool]) -> None:
        self._set(request, tools, enabled=False)

    @admin.action(description="Open to all", permissions=["change"])
    def open(self, request: HttpRequest, tools: QuerySet[McpTool]) -> None:
        self._set(request, tools, open_to_all=True)

    @admin.action(description="Only staff, and by grants", permissions=["change"])
    def close(self, request: HttpRequest, tools: QuerySet[McpTool]) -> None:
        self._set(request, tools, open_to_all=False)

    def _offers(self, request: HttpRequest, tools: QuerySet[McpTool]) -> TemplateResponse:
        shown = {
            "title": "Approve these tools?",
            "opts": self.opts,
            "offers": [_offer(tool) for tool in tools.select_related("server")],
            "chosen_name": ACTION_CHECKBOX_NAME,
        }
        context = {**self.admin_site.each_context(request), **shown}
        return TemplateResponse(request, "tools/admin/approve.html", context)

    def _set(self, request: HttpRequest, tools: QuerySet[McpTool], **changes: bool) -> None:
        try:
            with transaction.atomic():
                for tool in tools:
                    set_tool(tool, by=user_of(request), changes=changes)
        except ChatterError as error:
            self.message_user(request, f"Nothing was changed. {tool}: {error}", messages.ERROR)
            return
        self.message_user(request, f"{len(tools)} tools are set.", messages.SUCCESS)


def _decided() -> dict[str, Any]:
    setting = ToolSetting.objects.filter(tool=OuterRef("key"))
    return {
        "is_on": Subquery(setting.values("enabled")),
        "is_open": Subquery(setting.values("open_to_all")),
    }


def _offer(tool: McpTool) -> dict[str, Any]:
    """What the server says of it now."""
    offered = tool.offered or {
        "title": tool.title,
        "description": tool.description,
        "schema": tool.input_schema,
        "hash": tool.content_hash,
    }
    return {**offered, "schema": _shown(offered["schema"]), "tool": tool}


def _shown(value: Any) -> str:
    text = orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    return format_html("<pre>{}</pre>", text)
