"""Who asks again and again for what is not there, or not theirs: noticed for next to nothing.

Each process counts for itself, in memory, and writes one entry for every TOLD_EVERY guesses of one
caller: so the trail says what a scan amounts to, and no scan can fill it.
"""

import structlog
from django.db import DatabaseError, transaction
from django.http import HttpRequest, HttpResponseBase

from audit.context import current
from audit.counts import Counts
from audit.models import Outcome
from audit.record import record

GUESSED = frozenset({401, 404})
TOLD_EVERY = 20
log = structlog.get_logger(__name__)


class Guesses:
    """Counts answers by kind and caller."""

    def __init__(self) -> None:
        self._counts = Counts()

    def count(self, request: HttpRequest, response: HttpResponseBase, user: str | None) -> str:
        """Count an answer, if it was no to a guess; of what, when it is time to tell, else ""."""
        kind = _kind_of(request, response.status_code)
        if not kind:
            return ""
        count = self._counts.one_more(kind, user or current().address)
        return "" if count % TOLD_EVERY else kind

    def forget(self) -> None:
        self._counts.forget()


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
