"""How often someone may try to log in: per username and per address."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from django.conf import settings

from accounts.windows import Window, rate_of
from core.errors import TooMany


class TooManyAttempts(TooMany):
    code = "too_many_attempts"
    message = "Too many attempts to log in. Try again in {retry_after_s} s."


@dataclass(frozen=True, slots=True)
class Refusal:
    """`is_first`: the first in this window, so that a flood does not flood the audit trail."""

    wait_s: int
    is_first: bool
    throttle: "_LoginThrottle"


class _LoginThrottle:
    """Counts attempts that come from, or aim at, one thing.

    The rate is read from the settings at each attempt; an empty one switches the throttle off.
    """

    scope: str
    setting: str

    def __init__(self, aim: str) -> None:
        # Hashed: a name may hold what a cache key may not, and may be a password typed astray.
        self.digest = sha256(aim.encode("utf-8", "replace")).hexdigest()
        self._window = Window(f"{self.scope}:{self.digest}")

    def count(self) -> Refusal | None:
        """Count one more; tells when it may not go on. Raises CacheAway."""
        rate = getattr(settings, self.setting)
        if not rate:
            return None
        taken = self._window.take(rate_of(rate))
        if not taken.is_refused:
            return None
        return Refusal(taken.resets_s, taken.is_first_refused, self)

    def forget(self) -> None:
        self._window.forget()

    def forget_before(self, at: datetime) -> bool:
        """Forget the window if it was opened before then; False if not."""
        return self._window.forget_before(at)


class PerUser(_LoginThrottle):
    scope, setting = "login_user", "LOGIN_RATE_PER_USER"

    def __init__(self, username: str) -> None:
        super().__init__(username.casefold())


class PerAddress(_LoginThrottle):
    scope, setting = "login_address", "LOGIN_RATE_PER_ADDRESS"


def count_attempt(username: str, address: str) -> Refusal | None:
    """Count an attempt to log in; tells when it must not go on.

    The address comes first: who is refused by it cannot lock others out of their accounts.
    Raises CacheAway: what cannot be counted must not be tried.
    """
    return PerAddress(address).count() or PerUser(username).count()


def forgive(username: str) -> None:
    """Forget the attempts on this name: its owner has come."""
    PerUser(username).forget()
