"""How often someone may try to log in: per username and per address."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from django.conf import settings

from accounts.windows import Window, rate_of
from core.addresses import caller_of
from core.errors import TooMany


class TooManyAttempts(TooMany):
    code = "too_many_attempts"
    message = "Too many attempts to log in. Try again in {retry_after_s} s."


@dataclass(frozen=True, slots=True)
class Refusal:
    """An attempt that must not go on, for so many seconds."""

    wait_s: int
    throttle: "_LoginThrottle"


class _LoginThrottle:
    """Counts attempts that come from, or aim at, one thing.

    The rate is read from the settings at each attempt; an empty one switches the throttle off.
    """

    scope: str
    setting: str

    def __init__(self, aim: str) -> None:
        # Hashed: a name may hold what no key may, and may be a password typed astray.
        self.digest = sha256(aim.encode("utf-8", "replace")).hexdigest()

    def count(self) -> Refusal | None:
        """Count one more; tells when it may not go on. Raises CacheAway."""
        if (window := self._window) is None:
            return None
        taken = window.take()
        return Refusal(taken.resets_s, self) if taken.is_refused else None

    def forget(self) -> None:
        if (window := self._window) is not None:
            window.forget()

    def forget_before(self, at: datetime) -> bool:
        """Forget the attempts if the first of them was before then; False if not."""
        window = self._window
        return window is not None and window.forget_before(at)

    @property
    def _window(self) -> Window | None:
        rate = getattr(settings, self.setting)
        return Window(f"{self.scope}:{self.digest}", rate_of(rate)) if rate else None


class PerUser(_LoginThrottle):
    scope, setting = "login_user", "LOGIN_RATE_PER_USER"

    def __init__(self, username: str) -> None:
        super().__init__(username.casefold())


class PerAddress(_LoginThrottle):
    scope, setting = "login_address", "LOGIN_RATE_PER_ADDRESS"

    def __init__(self, address: str) -> None:
        super().__init__(caller_of(address))


def count_attempt(username: str, address: str) -> Refusal | None:
    """Count an attempt to log in; tells when it must not go on.

    The address comes first: who is refused by it cannot lock others out of their accounts.
    Raises CacheAway: what cannot be counted must not be tried.
    """
    return PerAddress(address).count() or PerUser(username).count()


def forgive(username: str) -> None:
    """Forget the attempts on this name: its owner has come."""
    PerUser(username).forget()
