"""The back office of webhooks: looked at, switched, sent again; secrets are nowhere in it."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.authentication import user_of
from core.back_office import ReadOnlyAdmin
from core.errors import ChatterError
from core.long_lists import LongList, Made
from webhooks.models import (
    IncomingWebhook,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookMessage,
)
from webhooks.services.endpoints import change_endpoint, host_of
from webhooks.services.incoming import change_incoming
from webhooks.services.messages import resend

_SECRETS: tuple[str, ...] = ("secret", "previous_secret")


class _SwitchedAdmin(ReadOnlyAdmin, admin.ModelAdmin):
    """Owners make them; here they are seen and switched."""

    exclude = _SECRETS
    list_filter = ("enabled", "created_at")
    list_select_related = ("owner", "definition", "template")
    search_fields = ("name", "owner__username", "=id")
    actions = ("switch_off", "switch_on")
    change: Any  # staticmethod: the service that changes one

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """What is not shown is not guessed either, letter by letter, by which rows are found."""
        allowed: bool = super().lookup_allowed(lookup, value, request)
        return allowed and lookup.partition("__")[0] not in self.exclude

    def has_switch_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(f"webhooks.change_{self.opts.model_name}")

    @admin.action(description="Switch off", permissions=["switch"])
    def switch_off(self, request: HttpRequest, chosen: QuerySet[Any]) -> None:
        self._switch(request, chosen, enabled=False)

    @admin.action(description="Switch on", permissions=["switch"])
    def switch_on(self, request: HttpRequest, chosen: QuerySet[Any]) -> None:
        self._switch(request, chosen, enabled=True)

    def _switch(self, request: HttpRequest, chosen: QuerySet[Any], *, enabled: bool) -> None:
        for one in chosen:
            self.change(one, by=user_of(request), enabled=enabled)
        told = "on" if enabled else "off"
        self.message_user(request, f"{len(chosen)} switched {told}.", messages.SUCCESS)


@admin.register(IncomingWebhook)
class IncomingWebhookAdmin(_SwitchedAdmin):
    list_display = ("name", "owner", "definition", "template", "mode", "enabled", "created_at")
    change = staticmethod(change_incoming)
    exclude = (*_SECRETS, "public_id")


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(_SwitchedAdmin):
    list_display = ("name", "owner", "host", "enabled", "failures", "disabled_reason", "created_at")
    change = staticmethod(change_endpoint)
    exclude = (*_SECRETS, "url")

    @admin.display(description="host")
    def host(self, endpoint: WebhookEndpoint) -> str:
        return host_of(endpoint.url)


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(LongList, admin.ModelAdmin):
    list_display = ("delivery_id", "hook", "outcome", "code", "execution", "received_at")
    list_filter = ("outcome", ("received_at", Made))
    list_select_related = ("hook", "execution")
    search_fields = ("execution", "id", "hook__name", "delivery_id")
    search_texts = ("hook__name", "delivery_id")
    search_help_text = "The name of a webhook, or the id of an execution or of the delivery"


@admin.register(WebhookMessage)
class WebhookMessageAdmin(LongList, admin.ModelAdmin):
    list_display = ("id", "endpoint", "type", "status", "attempts", "next_at", "created_at")
    list_filter = ("status", "type", ("created_at", Made))
    list_select_related = ("endpoint",)
    search_fields = ("id", "execution", "endpoint__name")
    search_texts = ("endpoint__name",)
    search_help_text = "The id of the message or of an execution, or the name of an endpoint"
    actions = ("send_again",)

    def has_send_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("webhooks.change_webhookmessage")

    @admin.action(description="Send again what was given up", permissions=["send"])
    def send_again(self, request: HttpRequest, chosen: QuerySet[WebhookMessage]) -> None:
        for message in chosen:
            try:
                resend(message, by=user_of(request))
            except ChatterError as error:
                self.message_user(request, str(error), messages.ERROR)


@admin.register(WebhookAttempt)
class WebhookAttemptAdmin(LongList, admin.ModelAdmin):
    list_display = ("message", "number", "status", "error", "took_ms", "created_at")
    list_select_related = ("message",)
    search_fields = ("message",)
    search_help_text = "The id of a message"
