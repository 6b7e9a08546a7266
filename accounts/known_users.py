"""Users recognised a moment ago, which spares the hot path a thread and a query per request."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from django.db import transaction

if TYPE_CHECKING:
    from accounts.models import User

KEPT_S = 3.0
FRESH_S = 2.0
_MOST = 10_000


@dataclass(slots=True)
class _Known:
    user: "User"
    fresh_until: float
    kept_until: float


class KnownUsers:
    """Users by the digest of their token, for KEPT_S at most. Safe to use from every thread.

    The users are shared between requests: read them, do not change them.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._users: dict[str, _Known] = {}
        self.generation = 0

    def get(self, digest: str) -> "User | None":
        """The user, or None: look them up.

        Past FRESH_S one caller is sent to look while the others are still answered from here, so
        that a hundred requests at once do not all go to the database in the same instant.
        """
        now = self._clock()
        with self._lock:
            known = self._users.get(digest)
            if known is None or now >= known.kept_until:
                return None
            if now >= known.fresh_until:
                known.fresh_until = known.kept_until
                return None
            return known.user

    def keep(self, digest: str, user: "User", generation: int, at_most_s: float = KEPT_S) -> None:
        """Remember a user who was read while `generation` was the present one.

        What was read before a change must not be remembered after it.
        """
        now = self._clock()
        with self._lock:
            if generation != self.generation:
                return
            if len(self._users) >= _MOST:
                self._users.clear()
            kept_s = min(KEPT_S, at_most_s)
            self._users[digest] = _Known(user, now + min(FRESH_S, kept_s), now + kept_s)

    def forget(self, digest: str) -> None:
        with self._lock:
            self._users.pop(digest, None)

    def forget_all(self) -> None:
        """Now, and once more when the transaction of the change has committed."""
        self.clear()
        transaction.on_commit(self.clear)

    def clear(self) -> None:
        with self._lock:
            self.generation += 1
            self._users.clear()


known_users = KnownUsers()
