"""How often someone may try to log in: per username and per address."""

import math
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django.conf import settings
from rest_framework.throttling import SimpleRateThrottle

from core.errors import TooMany


class TooManyAttempts(TooMany):
    code = "too_many_attempts"
    message = "Too many attempts to log in. Try again in {retry_after_s} s."


@dataclass(frozen=True, slots=True)
class Refusal:
    """`is_first`: not yet told in this period, so that a flood does not flood the audit trail."""

    wait_s: int
    is_first: bool


class _LoginThrottle(SimpleRateThrottle):
    """Counts attempts that come from, or aim at, one thing.

    The rate is read from the settings at each attempt; an empty one switches the throttle off.
    """

    setting: str

    def __init__(self, aim: str) -> None:
        self.aim = aim
        super().__init__()

    def get_rate(self) -> str | None:
        return getattr(settings, self.setting) or None

    def get_cache_key(self, request: Any = None, view: Any = None) -> str:
        # Hashed: a name may hold what a cache key may not, and may be a password typed astray.
        return f"{self.scope}:{sha256(self.aim.encode('utf-8', 'replace')).hexdigest()}"


class PerUser(_LoginThrottle):
    scope, setting = "login_user", "LOGIN_RATE_PER_USER"

    def __init__(self, username: str) -> None:
        super().__init__(username.casefold())


class PerAddress(_LoginThrottle):
    scope, setting = "login_address", "LOGIN_RATE_PER_ADDRESS"


def count_attempt(username: str, address: str) -> Refusal | None:
    """Count an attempt to log in; tells when it must not go on.

    The address comes first: who is refused by it cannot lock others out of their accounts.
    """
    for throttle in (PerAddress(address), PerUser(username)):
        if not throttle.allow_request(None, None):  # type: ignore[arg-type]
            wait_s = math.ceil(throttle.wait() or 1)
            is_first = throttle.cache.add(throttle.get_cache_key() + ":refused", 1, timeout=wait_s)
            return Refusal(wait_s, is_first)
    return None


def forgive(username: str) -> None:
    """Forget the attempts on this name: its owner has come."""
    throttle = PerUser(username)
    throttle.cache.delete(throttle.get_cache_key())
