"""How many sockets and streams a user holds open at this process."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from uuid import UUID

from django.conf import settings

from core.errors import TooMany


class TooManyConnections(TooMany):
    code = "too_many_connections"
    message = "You hold {limit} connections already; close one."


class Connections:
    def __init__(self) -> None:
        self._lock = Lock()
        self._held: Counter[UUID] = Counter()

    @property
    def held(self) -> int:
        """By all users together."""
        with self._lock:
            return sum(self._held.values())

    @contextmanager
    def one_more(self, user_id: UUID) -> Iterator[None]:
        """Count one for as long as this is entered. Raises TooManyConnections."""
        self.take(user_id)
        try:
            yield
        finally:
            self.give_back(user_id)

    def take(self, user_id: UUID) -> None:
        limit = settings.LIVE_MAX_CONNECTIONS
        with self._lock:
            if self._held[user_id] >= limit:
                raise TooManyConnections(limit=limit, retry_after_s=5)
            self._held[user_id] += 1

    def give_back(self, user_id: UUID) -> None:
        with self._lock:
            self._held[user_id] -= 1
            if self._held[user_id] <= 0:
                del self._held[user_id]


connections = Connections()
