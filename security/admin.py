"""Alerts in the back office: looked at, and acknowledged."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from accounts.models import User
from audit.models import AuditEntry
from core.back_office import ReadOnlyAdmin
from security.models import SecurityAlert
from security.services.alerts import acknowledge


@admin.register(SecurityAlert)
class SecurityAlertAdmin(ReadOnlyAdmin, admin.ModelAdmin):
    list_display = ("kind", "about", "count", "threshold", "first_at", "last_at", "seen")
    list_filter = ("kind", "acknowledged_at", "raised_at")
    search_fields = ("subject", "=user_id")
    actions = ("acknowledge",)
    fields = (
        *("kind", "about", "count", "threshold", "window_s", "starts_at", "first_at", "last_at"),
        *("behind", "raised_at", "mailed_at", "acknowledged_at", "acknowledged_by_whom"),
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[SecurityAlert]:
        return SecurityAlert.objects.visible_to(request.user)

    def has_acknowledge_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("security.change_securityalert")

    @admin.display(description="about", ordering="subject")
    def about(self, alert: SecurityAlert) -> str:
        if alert.user_id is None:
            return alert.subject
        url = reverse("admin:accounts_user_change", args=[alert.user_id])
        return format_html('<a href="{}">{}</a>', url, alert.subject)

    @admin.display(description="seen", boolean=True)
    def seen(self, alert: SecurityAlert) -> bool:
        return alert.acknowledged_at is not None

    @admin.display(description="acknowledged by")
    def acknowledged_by_whom(self, alert: SecurityAlert) -> str:
        by = alert.acknowledged_by
        user = User.objects.filter(pk=by).first() if by else None
        return user.get_username() if user else "-"

    @admin.display(description="audit entries")
    def behind(self, alert: SecurityAlert) -> str:
        numbers = alert.entries or [0]
        entries = AuditEntry.objects.in_order(min(numbers), max(numbers))
        found = entries.filter(seq__in=numbers)
        links = [
            (reverse("admin:audit_auditentry_change", args=[pk]), seq, action)
            for pk, seq, action in found.values_list("pk", "seq", "action")
        ]
        return format_html_join(", ", '<a href="{}">{} {}</a>', links)

    @admin.action(description="Acknowledge the selected alerts", permissions=["acknowledge"])
    def acknowledge(self, request: HttpRequest, queryset: QuerySet[SecurityAlert]) -> None:
        user: Any = request.user
        number = sum(acknowledge(alert, by=user) for alert in queryset)
        self.message_user(request, f"{number} alerts are acknowledged.", messages.SUCCESS)
