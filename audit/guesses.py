"""Who asks again and again for what is not there, or not theirs: noticed for next to nothing.

Each process counts for itself, in memory, and writes one entry for every TOLD_EVERY guesses of one
caller: so the trail says what a scan amounts to, and no scan can fill it.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import structlog
from django.db import DatabaseError, transaction
from django.http import HttpRequest, HttpResponseBase

from audit.context import current
from audit.counts import Counts
from audit.models import Outcome
from audit.record import record
from core.addresses import caller_of
from core.api import not_found

REFUSED, NOT_THERE = 401, 404
GUESSED = frozenset({REFUSED, NOT_THERE})
TOLD_EVERY = 20
_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS"})
_TOKEN = "token."  # noqa: S105 - how the subprotocol of a socket begins that is a token
log = structlog.get_logger(__name__)


class Guesses:
    """Counts answers by kind and caller."""

    def __init__(self) -> None:
        self._counts = Counts()

    def count(self, request: HttpRequest, response: HttpResponseBase, user: str | None) -> str:
        """Count an answer, if it was no to a guess; of what, when it is time to tell, else ""."""
        return self._count(_kind_of(request, response.status_code), user)

    def count_socket(self, scope: Mapping[str, Any], status: int) -> str:
        """The same of what a socket was told."""
        user = current().actor_id
        return self._count(_kind_on_socket(scope, status), str(user) if user else None)

    def _count(self, kind: str, user: str | None) -> str:
        if not kind:
            return ""
        count = self._counts.one_more(kind, user or caller_of(current().address))
        return "" if count % TOLD_EVERY else kind

    def forget(self) -> None:
        self._counts.forget()


def note_guesses(kind: str, user: str | None = None) -> None:
    """Write the entry, of this user or of whoever acts; an answer does not fail because this does.

    Who comes to a page is known to the request alone, not to the context.
    """
    actor = UUID(user) if user else None
    try:
        with transaction.atomic():
            detail = {"of": kind, "count": TOLD_EVERY}
            record("audit.guesses.counted", actor=actor, outcome=Outcome.DENIED, detail=detail)
    except DatabaseError:
        log.exception("guesses.not_recorded", of=kind)


def _kind_of(request: HttpRequest, status: int) -> str:
    """What is not there where the address, the query or the body may hold its id; or a token that
    opens nothing.
    """
    if status == NOT_THERE:
        return "ids" if _may_name(request) else ""
    return "tokens" if "HTTP_AUTHORIZATION" in request.META else ""


def _may_name(request: HttpRequest) -> bool:
    match = request.resolver_match
    if match is None or match.func is not_found:
        return False
    return bool(match.kwargs or request.GET or request.method not in _WITHOUT_BODY)


def _kind_on_socket(scope: Mapping[str, Any], status: int) -> str:
    if status == NOT_THERE:
        return "ids"
    offered = scope.get("subprotocols") or ()
    return "tokens" if status == REFUSED and any(one.startswith(_TOKEN) for one in offered) else ""


guesses = Guesses()
