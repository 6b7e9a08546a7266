"""A message on its way: claimed by one, tried, and settled or put off."""

import random
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, F, Min

from accounts.models import User
from audit.record import record
from core import clock
from core.errors import Conflict, NotFound
from webhooks.models import MessageStatus, WebhookAttempt, WebhookEndpoint, WebhookMessage

GONE = 410
_GOOD = 2  # hundred and something
_GROWTH = 4
_GROWS = 30  # as often; by then it has been the longest for long
_LONGEST_S = 6 * 3_600.0
_JITTER = 0.25
_SETTLED_WITHIN_S = 30.0  # beyond the time that an endpoint has
_LOOKED_AT = 5


class MessageNotFound(NotFound):
    code = "webhook_message_not_found"
    message = "There is no such message, or it is not yours."


class NotDead(Conflict):
    code = "webhook_message_not_dead"
    message = "This message is {status}; only those that were given up can be sent again."


@dataclass(frozen=True, slots=True)
class Answer:
    """How an endpoint took a message: with a status, or not at all."""

    status: int | None
    error: str
    took_ms: int

    @property
    def good(self) -> bool:
        return self.status is not None and self.status // 100 == _GOOD


def message_for(user: User, pk: UUID | str) -> WebhookMessage:
    """One of this user's endpoints' own. Raises MessageNotFound."""
    try:
        found: WebhookMessage = WebhookMessage.objects.visible_to(user).get(pk=pk)
    except (WebhookMessage.DoesNotExist, ValidationError, ValueError) as error:
        raise MessageNotFound from error
    return found


@dataclass(frozen=True, slots=True)
class Due:
    """An endpoint with messages that are due; it is its owner's first, second, …, by `turn`."""

    endpoint_id: UUID
    number: int
    turn: int


def endpoints_due(most: int) -> list[Due]:
    """Every owner's first before anybody's second: however much of one waits, others do not.

    Those that wait longest come first, of one owner and of one turn.
    """
    due = WebhookMessage.objects.due(clock.now()).order_by()
    by_endpoint = due.values("endpoint_id", "endpoint__owner_id")
    turns: Counter[UUID] = Counter()
    found = []
    for row in by_endpoint.annotate(number=Count("id"), first=Min("next_at")).order_by("first"):
        turns[row["endpoint__owner_id"]] += 1
        found.append(Due(row["endpoint_id"], row["number"], turns[row["endpoint__owner_id"]]))
    return sorted(found, key=attrgetter("turn"))[:most]


def claim_one(endpoint_id: UUID) -> WebhookMessage | None:
    """The message that is due first, for nobody else to send before this try is over for sure."""
    now = clock.now()
    put_off = now + timedelta(seconds=settings.WEBHOOK_TIMEOUT_S + _SETTLED_WITHIN_S)
    due = WebhookMessage.objects.due(now)
    first = due.filter(endpoint_id=endpoint_id).order_by("next_at", "id")
    for pk in first.values_list("pk", flat=True)[:_LOOKED_AT]:
        one = WebhookMessage.objects.filter(pk=pk, status=MessageStatus.PENDING, next_at__lte=now)
        if one.update(next_at=put_off, attempts=F("attempts") + 1):
            return WebhookMessage.objects.select_related("endpoint").filter(pk=pk).first()
    return None


@transaction.atomic
def settle(message: WebhookMessage, answer: Answer) -> None:
    """Keep how a try went, and what follows. Who was thought dead meanwhile only says how it went.

    What an address says that the endpoint has left meanwhile is held against no other.

    Locks the message, then its endpoint.
    """
    now = clock.now()
    mine = WebhookMessage.objects.filter(
        pk=message.pk, status=MessageStatus.PENDING, attempts=message.attempts
    )
    asked = WebhookEndpoint.objects.filter(pk=message.endpoint_id, url=message.endpoint.url)
    moved = not asked.exists()
    gone = answer.status == GONE and not moved
    status, next_at = _after(message, answer, now, gone=gone)
    settled_at = None if status == MessageStatus.PENDING else now
    mine.update(status=status, next_at=next_at, settled_at=settled_at)
    if not WebhookMessage.objects.filter(pk=message.pk).exists():
        return  # deleted meanwhile
    WebhookAttempt.objects.create(
        message=message,
        number=message.attempts,
        status=answer.status,
        error=answer.error,
        took_ms=answer.took_ms,
    )
    if answer.good:
        failing = WebhookEndpoint.objects.filter(pk=message.endpoint_id, failures__gt=0)
        failing.update(failures=0, failing_since=None)
    elif not moved:
        _count_failure(message, now, gone=gone)


def _after(
    message: WebhookMessage, answer: Answer, now: datetime, *, gone: bool
) -> tuple[MessageStatus, datetime]:
    """What becomes of it, and when it is due next."""
    if answer.good:
        return MessageStatus.DELIVERED, now
    tried = message.attempts - message.forgiven
    if gone or tried >= settings.WEBHOOK_ATTEMPTS:
        return MessageStatus.DEAD, now
    grown = _GROWTH ** min(tried - 1, _GROWS)
    wait_s = min(settings.WEBHOOK_RETRY_S * grown, _LONGEST_S)
    wait_s *= random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - so that not all come at once
    return MessageStatus.PENDING, now + timedelta(seconds=wait_s)


def _count_failure(message: WebhookMessage, now: datetime, *, gone: bool) -> None:
    endpoint = WebhookEndpoint.objects.select_for_update().get(pk=message.endpoint_id)
    endpoint.failures += 1
    endpoint.failing_since = endpoint.failing_since or now
    endpoint.save(update_fields=["failures", "failing_since"])
    if not endpoint.enabled:
        return
    long_s = (now - endpoint.failing_since).total_seconds()
    if gone:
        _switch_off(endpoint, "gone")
    elif (
        endpoint.failures >= settings.WEBHOOK_DISABLE_AFTER
        and long_s >= settings.WEBHOOK_DISABLE_AFTER_S
    ):
        _switch_off(endpoint, "failed_too_often")


def _switch_off(endpoint: WebhookEndpoint, reason: str) -> None:
    endpoint.enabled, endpoint.disabled_reason = False, reason
    endpoint.save(update_fields=["enabled", "disabled_reason", "updated_at"])
    detail: dict[str, Any] = {"reason": reason, "failures": endpoint.failures}
    record("webhooks.webhookendpoint.disabled", target=endpoint, detail=detail)


@transaction.atomic
def resend(message: WebhookMessage, *, by: User) -> WebhookMessage:
    """Try a message again that was given up, under its old id. Raises NotDead."""
    dead = WebhookMessage.objects.filter(pk=message.pk, status=MessageStatus.DEAD)
    changed = dead.update(
        status=MessageStatus.PENDING,
        next_at=clock.now(),
        forgiven=F("attempts"),
        settled_at=None,
    )
    message.refresh_from_db()
    if not changed:
        raise NotDead(status=message.status)
    record("webhooks.webhookmessage.resent", actor=by, target=message)
    return message
