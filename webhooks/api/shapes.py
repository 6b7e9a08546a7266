"""What the API says of webhooks; a secret only right after it was made."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.urls import reverse

from core.shapes import Shape
from webhooks.models import (
    IncomingWebhook,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookMessage,
)


class IncomingOut(Shape):
    """An incoming webhook; `path` is its address on this server."""

    id: UUID
    name: str
    path: str
    definition: UUID | None
    template: UUID | None
    parameters: dict[str, Any]
    mapping: dict[str, str]
    mode: str
    signature: str
    enabled: bool
    previous_until: datetime | None
    created_at: datetime
    updated_at: datetime


class IncomingMade(IncomingOut):
    """With its secret, which is shown this once."""

    secret: str


class EndpointOut(Shape):
    """An outgoing endpoint; `disabled_reason` says why it was switched off automatically."""

    id: UUID
    name: str
    url: str
    events: list[str]
    replays: bool
    definition: UUID | None
    template: UUID | None
    enabled: bool
    failures: int
    failing_since: datetime | None
    disabled_reason: str
    previous_until: datetime | None
    created_at: datetime
    updated_at: datetime


class EndpointMade(EndpointOut):
    """With its secret, which is shown this once."""

    secret: str


class DeliveryOut(Shape):
    """An incoming delivery; `reason` is for the owner of the webhook."""

    id: UUID
    delivery_id: str
    received_at: datetime
    outcome: str
    code: str
    reason: str
    execution: UUID | None


class AttemptOut(Shape):
    """One attempt: the status of the answer, or the code of what went wrong."""

    number: int
    at: datetime
    status: int | None
    error: str
    took_ms: int


class WebhookMessageOut(Shape):
    """An event for an endpoint; while it is pending, `next_at` is when it is tried next."""

    id: UUID
    endpoint: UUID
    execution: UUID | None
    type: str
    status: str
    attempts: int
    next_at: datetime | None
    created_at: datetime
    settled_at: datetime | None


class WebhookMessageWhole(WebhookMessageOut):
    """With its body, and each attempt."""

    body: str
    tries: list[AttemptOut]


def incoming_out(hook: IncomingWebhook) -> IncomingOut:
    return IncomingOut(**_incoming(hook))


def incoming_made(hook: IncomingWebhook) -> IncomingMade:
    return IncomingMade(**_incoming(hook), secret=hook.secret)


def endpoint_out(endpoint: WebhookEndpoint) -> EndpointOut:
    return EndpointOut(**_endpoint(endpoint))


def endpoint_made(endpoint: WebhookEndpoint) -> EndpointMade:
    return EndpointMade(**_endpoint(endpoint), secret=endpoint.secret)


def delivery_out(delivery: WebhookDelivery) -> DeliveryOut:
    return DeliveryOut(
        id=delivery.id,
        delivery_id=delivery.delivery_id,
        received_at=delivery.received_at,
        outcome=delivery.outcome,
        code=delivery.code,
        reason=delivery.reason,
        execution=delivery.execution_id,
    )


def message_out(message: WebhookMessage) -> WebhookMessageOut:
    return WebhookMessageOut(**_message(message))


def whole_message(message: WebhookMessage) -> WebhookMessageWhole:
    tries = [_attempt(one) for one in message.tries.order_by("number")]
    return WebhookMessageWhole(**_message(message), body=message.body, tries=tries)


def _incoming(hook: IncomingWebhook) -> dict[str, Any]:
    return {
        "id": hook.id,
        "name": hook.name,
        "path": reverse("hook", args=[hook.public_id]),
        "definition": hook.definition_id,
        "template": hook.template_id,
        "parameters": hook.parameters,
        "mapping": hook.mapping,
        "mode": hook.mode,
        "signature": hook.signature,
        "enabled": hook.enabled,
        "previous_until": hook.previous_until,
        "created_at": hook.created_at,
        "updated_at": hook.updated_at,
    }


def _endpoint(endpoint: WebhookEndpoint) -> dict[str, Any]:
    return {
        "id": endpoint.id,
        "name": endpoint.name,
        "url": endpoint.url,
        "events": endpoint.events,
        "replays": endpoint.replays,
        "definition": endpoint.definition_id,
        "template": endpoint.template_id,
        "enabled": endpoint.enabled,
        "failures": endpoint.failures,
        "failing_since": endpoint.failing_since,
        "disabled_reason": endpoint.disabled_reason,
        "previous_until": endpoint.previous_until,
        "created_at": endpoint.created_at,
        "updated_at": endpoint.updated_at,
    }


def _message(message: WebhookMessage) -> dict[str, Any]:
    return {
        "id": message.id,
        "endpoint": message.endpoint_id,
        "execution": message.execution_id,
        "type": message.type,
        "status": message.status,
        "attempts": message.attempts,
        "next_at": message.next_at if message.status == "pending" else None,
        "created_at": message.created_at,
        "settled_at": message.settled_at,
    }


def _attempt(attempt: WebhookAttempt) -> AttemptOut:
    return AttemptOut(
        number=attempt.number,
        at=attempt.created_at,
        status=attempt.status,
        error=attempt.error,
        took_ms=attempt.took_ms,
    )
