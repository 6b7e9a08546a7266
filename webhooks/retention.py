"""What `prune` deletes of webhooks."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from core import clock
from core.retention import Retention, old_rows
from webhooks.models import (
    DeliveryOutcome,
    SignatureStyle,
    WebhookDelivery,
    WebhookMessage,
)
from webhooks.querysets import UNDELIVERED


def _deliveries(before: datetime) -> QuerySet[Any]:
    """None that could be sent again and pass for new.

    A signature counts for as long as the time in it may differ from now; one without a time counts
    for ever, so what it started stays known by its id.
    """
    replayable = clock.now() - 2 * timedelta(seconds=settings.WEBHOOK_TOLERANCE_S)
    old = WebhookDelivery.objects.filter(received_at__lt=min(before, replayable))
    return old.exclude(outcome=DeliveryOutcome.STARTED, hook__signature=SignatureStyle.GITHUB)


def _messages(before: datetime) -> QuerySet[Any]:
    """None that somebody waits for."""
    return WebhookMessage.objects.filter(created_at__lt=before).exclude(UNDELIVERED)


DELIVERIES = Retention("webhook_deliveries", old_rows(_deliveries), days="webhooks")
MESSAGES = Retention("webhook_messages", old_rows(_messages), days="webhooks")
