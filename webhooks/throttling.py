"""How often something may be delivered to one webhook, and how often a forgery is worth a word."""

import math
from typing import Any
from uuid import UUID

from django.conf import settings
from rest_framework.throttling import SimpleRateThrottle


class _PerHook(SimpleRateThrottle):
    def __init__(self, hook_id: UUID) -> None:
        self._hook_id = hook_id
        super().__init__()

    def get_cache_key(self, request: Any = None, view: Any = None) -> str:
        return f"{self.scope}:{self._hook_id}"

    def refused(self) -> int | None:
        """Count one; in how many seconds the next would be let in, if this one is not."""
        if self.allow_request(None, None):  # type: ignore[arg-type]
            return None
        return math.ceil(self.wait() or 1)


class Deliveries(_PerHook):
    """Those that are genuine: whoever only knows an address cannot use it up."""

    scope = "webhook_deliveries"

    def get_rate(self) -> str | None:
        return settings.WEBHOOK_RATE or None


class Forgeries(_PerHook):
    scope = "webhook_forgeries"
    rate = "10/min"
