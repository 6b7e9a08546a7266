"""What is over is kept for some days."""

from datetime import timedelta

from django.conf import settings
from django.db.models import Q

from core import clock
from core.chores import chore
from core.database import database
from webhooks.models import MessageStatus, WebhookDelivery, WebhookMessage


@chore(every_s=3_600)
async def forget_old_webhooks() -> None:
    """Deliveries, and messages that nobody waits for any more."""
    await database.run(_forget)


def _forget() -> None:
    past = clock.now() - timedelta(days=settings.WEBHOOK_KEPT_DAYS)
    WebhookDelivery.objects.filter(received_at__lt=past).delete()
    going_on = Q(status=MessageStatus.PENDING, endpoint__enabled=True)
    WebhookMessage.objects.filter(created_at__lt=past).exclude(going_on).delete()
