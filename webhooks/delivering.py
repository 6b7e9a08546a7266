"""Messages are sent: by any number of processes, a few at a time to each endpoint."""

import asyncio
import random
import time
from operator import attrgetter
from uuid import UUID

import structlog
from django.conf import settings

from core import clock
from core.chores import chore
from core.database import database
from core.egress import Outgoing, fetch
from core.errors import ChatterError
from webhooks.models import WebhookMessage
from webhooks.services.messages import Answer, Due, claim_one, endpoints_due, settle
from webhooks.signing import sign

MOST_AT_WORK = 64
MOST_PER_ENDPOINT = 2
_IN_A_ROW_S = 5.0  # then others get the place
log = structlog.get_logger(__name__)


class Couriers:
    """Of this process: each serves one endpoint for a while, so a slow one holds up only itself."""

    def __init__(self) -> None:
        self._at_work: dict[asyncio.Task[None], UUID] = {}

    async def send_out(self) -> None:
        """Send couriers wherever something is due; returns without waiting for them."""
        free = MOST_AT_WORK - len(self._at_work)
        if free <= 0:
            return
        due = await database.run(endpoints_due, MOST_AT_WORK)
        random.shuffle(due)  # so that not all processes go to the same
        due.sort(key=attrgetter("turn"))
        wanted = [one.endpoint_id for one in due for _ in range(self._room(one))]
        for endpoint_id in wanted[:free]:
            task = asyncio.create_task(_serve(endpoint_id), name="webhook courier")
            self._at_work[task] = endpoint_id
            task.add_done_callback(self._at_work.pop)

    async def all_back(self) -> None:
        """Wait for those who are on their way."""
        while self._at_work:
            await asyncio.wait(list(self._at_work))

    def _room(self, due: Due) -> int:
        there = sum(one == due.endpoint_id for one in self._at_work.values())
        return max(min(due.number, MOST_PER_ENDPOINT - there), 0)


couriers = Couriers()


@chore(every_s=1.0)
async def deliver_messages() -> None:
    """Look for what is due."""
    await couriers.send_out()


async def _serve(endpoint_id: UUID) -> None:
    until = time.monotonic() + _IN_A_ROW_S
    try:
        while (message := await database.run(claim_one, endpoint_id)) is not None:
            answer = await _try(message)
            await database.run(settle, message, answer)
            if time.monotonic() > until:
                break
    except Exception:  # what it had claimed is due again by itself
        log.exception("webhook.courier_failed", endpoint=str(endpoint_id))


async def _try(message: WebhookMessage) -> Answer:
    """Send it once. Of what comes back the status alone counts."""
    started = time.perf_counter()
    status, error = None, ""
    try:
        status = (await fetch(_outgoing(message))).status
    except ChatterError as known:
        error = known.code
    except Exception:
        log.exception("webhook.failed", message=str(message.id))
        error = "internal_error"
    return Answer(status, error, round((time.perf_counter() - started) * 1000))


def _outgoing(message: WebhookMessage) -> Outgoing:
    """Signed for now, with every secret that counts; no redirect is followed."""
    now = clock.now()
    body, seconds = message.body.encode(), int(now.timestamp())
    secrets = message.endpoint.secrets_at(now)
    signatures = [sign(one, str(message.id), seconds, body) for one in secrets]
    return Outgoing(
        message.endpoint.url,
        method="POST",
        headers={
            "content-type": "application/json",
            "webhook-id": str(message.id),
            "webhook-timestamp": str(seconds),
            "webhook-signature": " ".join(signatures),
        },
        body=body,
        status_only=True,
        timeout_s=settings.WEBHOOK_TIMEOUT_S,
        max_redirects=0,
    )
