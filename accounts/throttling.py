"""How often someone may try to log in: per username and per address."""

import math
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

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
    throttle: "_LoginThrottle"


class _LoginThrottle(SimpleRateThrottle):
    """Counts attempts that come from, or aim at, one thing, in a window that the first one opens.

    The rate is read from the settings at each attempt; an empty one switches the throttle off.
    """

    setting: str
    num_requests: int
    duration: int

    def __init__(self, aim: str) -> None:
        self.aim = aim
        super().__init__()

    def get_rate(self) -> str | None:
        return getattr(settings, self.setting) or None

    @property
    def digest(self) -> str:
        # Hashed: a name may hold what a cache key may not, and may be a password typed astray.
        return sha256(self.aim.encode("utf-8", "replace")).hexdigest()

    def count(self) -> bool:
        """Count one more; False: it may not go on. Of many at once no more than may get through."""
        if self.rate is None:
            return True
        while True:
            self.cache.add(self._key("since"), self.timer(), self.duration)
            self.cache.add(self._key("count"), 0, self.duration)
            try:
                return bool(self.cache.incr(self._key("count")) <= self.num_requests)
            except ValueError:  # its time was over just now
                continue

    def wait_s(self) -> int:
        """How long until the window is over."""
        now = self.timer()
        since = self.cache.get(self._key("since"), now)
        return max(1, math.ceil(self.duration - (now - since)))

    def tell_first(self) -> bool:
        """True for the first who asks in this window."""
        return bool(self.cache.add(self._key("told"), 1, self.wait_s()))

    def forget(self) -> None:
        self.cache.delete_many([self._key(name) for name in ("since", "count", "told")])

    def forget_before(self, at: datetime) -> bool:
        """Forget the window if it was opened before then; False if not."""
        since = self.cache.get(self._key("since"))
        if since is None or since > at.timestamp():
            return False
        self.forget()
        return True

    def _key(self, name: str) -> str:
        return f"{self.scope}:{self.digest}:{name}"


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
        if not throttle.count():
            return Refusal(throttle.wait_s(), throttle.tell_first(), throttle)
    return None


def forgive(username: str) -> None:
    """Forget the attempts on this name: its owner has come."""
    PerUser(username).forget()
