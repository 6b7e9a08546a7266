"""Who asks again and again for what is not there, or not theirs: noticed for next to nothing.

Each process counts for itself, in memory, and writes one entry for every TOLD_EVERY guesses of one
caller: so the trail says what a scan amounts to, and no scan can fill it.
"""

import time
from collections.abc import Callable
from threading import Lock

import structlog
from django.db import DatabaseError, transaction
from django.http import HttpRequest, HttpResponseBase

from audit.context import current
from audit.models import Outcome
from audit.record import record

GUESSED = frozenset({401, 404})
TOLD_EVERY = 20
_WITHIN_S = 600.0
_MOST_CALLERS = 10_000
log = structlog.get_logger(__name__)


class Guesses:
    """Counts by kind and caller; forgotten `_WITHIN_S` after the first. Safe in every thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._counts: dict[tuple[str, str], tuple[float, int]] = {}

    def count(self, request: HttpRequest, response: HttpResponseBase, user: str | None) -> str:
        """Count an answer, if it was no to a guess; of what, when it is time to tell, else ""."""
        kind = _kind_of(request, response.status_code)
        if not kind:
            return ""
        return kind if self._one_more(kind, user or current().address) else ""

    def forget(self) -> None:
        with self._lock:
            self._counts.clear()

    def _one_more(self, kind: str, caller: str) -> bool:
        now = self._clock()
        with self._lock:
            if len(self._counts) >= _MOST_CALLERS:
                self._counts.clear()
            since, count = self._counts.get((kind, caller), (now, 0))
            if now - since > _WITHIN_S:
                since, count = now, 0
            full = count + 1 >= TOLD_EVERY
            self._counts[kind, caller] = (now, 0) if full else (since, count + 1)
            return full


def note_guesses(kind: str) -> None:
    """Write the entry; an answer does not fail because this does."""
    try:
        with transaction.atomic():
            detail = {"of": kind, "count": TOLD_EVERY}
            record("audit.guesses.counted", outcome=Outcome.DENIED, detail=detail)
    except DatabaseError:
        log.exception("guesses.not_recorded", of=kind)


def _kind_of(request: HttpRequest, status: int) -> str:
    """What is not there where an address holds an id; or a token that opens nothing."""
    if status == 404:  # noqa: PLR2004
        return "ids" if request.resolver_match and request.resolver_match.kwargs else ""
    return "tokens" if "HTTP_AUTHORIZATION" in request.META else ""


guesses = Guesses()
