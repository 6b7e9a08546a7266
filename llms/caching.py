"""Answers given before: the ledger is the cache.

A row holds the hash of its question and the answer, so there is nothing else to keep, to expire or
to leak; and a hit is a row like any other, with its events.
"""

from datetime import timedelta
from uuid import UUID

from core import clock
from core.database import database
from llms.ledger import CallRecord
from llms.models import AnsweredBy, CallStatus, ModelCall
from llms.preparing import Prepared
from llms.reading import CUT, WITHHELD


async def cached_answer(prepared: Prepared) -> CallRecord | None:
    """The newest whole answer to this question of this user for this purpose, if it may be used."""
    request = prepared.request
    if request.cache_ttl_s is None or request.user_id is None:
        return None
    return await database.run(_found, prepared, request.user_id, request.cache_ttl_s)


def _found(prepared: Prepared, user_id: UUID, ttl_s: float) -> CallRecord | None:
    request = prepared.request
    same = ModelCall.objects.filter(
        user_id=user_id,
        request_hash=prepared.request_hash,
        provider=request.profile.provider,
        purpose=request.purpose,
        status=CallStatus.SUCCEEDED,
        answered_by=AnsweredBy.PROVIDER,
        answer__isnull=False,
        settled_at__gt=clock.now() - timedelta(seconds=ttl_s),
    )
    row = same.exclude(finish_reason__in=CUT + WITHHELD).order_by("-settled_at").values().first()
    if row is None or not (request.fits is None or request.fits(row["answer"]["text"])):
        return None
    return CallRecord(**row)
