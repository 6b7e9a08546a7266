"""How often something may be delivered to one webhook, and how often a forgery is worth a word."""

from uuid import UUID

import structlog
from django.conf import settings

from accounts.windows import CacheAway, Rate, Taken, Window, rate_of

_FORGERIES = Rate(quota=10, window_s=60)
log = structlog.get_logger(__name__)


def count_delivery(hook_id: UUID) -> int | None:
    """Count one that is genuine; in how many seconds the next is let in, if this one is not.

    Whoever only knows an address cannot use it up. While the cache is away all are let in: their
    senders may not come again, and what the owner may start is counted in the database.
    """
    if not settings.WEBHOOK_RATE:
        return None
    taken = _taken(f"webhook_deliveries:{hook_id}", rate_of(settings.WEBHOOK_RATE))
    return taken.resets_s if taken and taken.is_refused else None


def is_worth_a_word(hook_id: UUID) -> bool:
    """Count a forgery. While the cache is away none is: they would flood the audit trail."""
    taken = _taken(f"webhook_forgeries:{hook_id}", _FORGERIES)
    return taken is not None and not taken.is_refused


def _taken(key: str, rate: Rate) -> Taken | None:
    try:
        return Window(key, rate).take()
    except CacheAway as error:
        log.warning("webhooks.cache_away", error=repr(error.__cause__))
        return None
