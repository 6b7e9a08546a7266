"""Webhooks: those that come in, and those that go out."""

from webhooks.models.incoming import (
    DeliveryOutcome,
    HookMode,
    IncomingWebhook,
    SignatureStyle,
    WebhookDelivery,
)
from webhooks.models.outgoing import (
    MessageStatus,
    MessageType,
    WebhookAttempt,
    WebhookEndpoint,
    WebhookMessage,
)

__all__ = [
    "DeliveryOutcome",
    "HookMode",
    "IncomingWebhook",
    "MessageStatus",
    "MessageType",
    "SignatureStyle",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookMessage",
]
