"""What ended is followed: each firing of a chain becomes one execution, or says why not."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import ClassVar, Self
from uuid import UUID

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction

from audit.models import Outcome
from audit.record import record
from core import clock
from core.database import database
from core.errors import ChatterError, Conflict, Invalid, TooMany
from triggers.mapping import holds, mapped, names_of
from triggers.models import ChainFiring, ChainFiringStatus
from triggers.services.targets import planned
from workflows.definition.expressions import BadExpression
from workflows.services.executions import StartContended, start_execution
from workflows.services.planning import StartPlan
from workflows.tracking.facts import Fact

log = structlog.get_logger(__name__)
_AT_ONCE = 8
_HELD = timedelta(seconds=30)
_PATIENCE = timedelta(hours=1)


class ChainTooDeep(Conflict):
    code = "chain_too_deep"
    message = "At most {most} executions follow one another; this would be one more."


class NotMapped(Invalid):
    code = "not_mapped"
    message = "{reason}"


class NothingFollows(Exception):
    """It was followed before, its chain is paused, or its condition does not hold."""


@dataclass(slots=True)
class ChainFollowed(Fact):
    """What was noted has been started; whoever comes second is refused."""

    rank: ClassVar[int] = 25
    firing_id: UUID
    execution_id: UUID

    @classmethod
    def write(cls, facts: Sequence[Self]) -> None:
        for fact in sorted(facts, key=lambda fact: fact.firing_id):
            pending = ChainFiring.objects.filter(
                pk=fact.firing_id, status=ChainFiringStatus.PENDING
            )
            started = pending.update(
                status=ChainFiringStatus.STARTED, execution_id=fact.execution_id, held_until=None
            )
            if not started:
                raise IntegrityError("Another process was faster.")


async def follow_ended() -> int:
    """Start what follows executions that have ended; returns how many endings were looked at."""
    done = 0
    while waiting := await database.run(claim_waiting, _AT_ONCE):
        await asyncio.gather(*map(_follow_safely, waiting))
        done += len(waiting)
    return done


def claim_waiting(most: int) -> list[UUID]:
    """Endings to be followed, for this process; the oldest first."""
    now = clock.now()
    if not ChainFiring.objects.waiting(now).exists():  # a look costs no lock
        return []
    with transaction.atomic():
        waiting = ChainFiring.objects.waiting(now).order_by("id")
        claimed = waiting.select_for_update(skip_locked=True, of=("self",))[:most]
        ids = [firing.pk for firing in claimed]
        ChainFiring.objects.filter(pk__in=ids).update(held_until=now + _HELD)
    return ids


async def follow(firing_id: UUID) -> None:
    """Start what follows one ending, or say why nothing does."""
    try:
        await start_execution(partial(_plan, firing_id))
    except StartContended:
        return
    except NothingFollows:
        await database.run(_settle, firing_id, ChainFiringStatus.PASSED, None)
    except ChatterError as error:
        if isinstance(error, TooMany) and await database.run(_waits, firing_id):
            return
        await database.run(_settle, firing_id, ChainFiringStatus.REFUSED, error)


async def _follow_safely(firing_id: UUID) -> None:
    """What goes wrong with one is tried again, and is nothing to the others."""
    try:
        await follow(firing_id)
    except Exception:
        log.exception("chain.failed", firing=str(firing_id))


def _plan(firing_id: UUID) -> StartPlan:
    """Raises NothingFollows, ChainTooDeep, NotMapped, and what `planned` raises."""
    found = ChainFiring.objects.select_related(
        "chain__owner", "chain__definition", "chain__template", "source"
    )
    firing = found.filter(pk=firing_id, status=ChainFiringStatus.PENDING).first()
    if firing is None or firing.chain.paused:
        raise NothingFollows
    chain, most = firing.chain, settings.CHATTER_TRIGGERS["chain_depth"]
    if firing.depth > most:
        raise ChainTooDeep(most=most)
    names = names_of(firing.source)
    try:
        if not holds(chain.condition, names):
            raise NothingFollows
        given = mapped(chain.input, names)
    except BadExpression as error:
        raise NotMapped(reason=str(error)) from error
    plan, execution_id = planned(
        chain.owner, chain, given, request_id=firing.source.request_id, cause="chain"
    )
    plan.facts.append(ChainFollowed(firing.pk, execution_id))
    return plan


def _waits(firing_id: UUID) -> bool:
    """Whether one that found no room may try again, once it is free to be taken up again."""
    since = clock.now() - _PATIENCE
    return ChainFiring.objects.filter(pk=firing_id, created_at__gt=since).exists()


@transaction.atomic
def _settle(firing_id: UUID, status: str, error: ChatterError | None) -> None:
    pending = ChainFiring.objects.filter(pk=firing_id, status=ChainFiringStatus.PENDING)
    said = {"code": error.code, "message": error.in_one_line} if error else {}
    settled = pending.update(status=status, held_until=None, **said)
    if settled and error is not None:
        firing = ChainFiring.objects.select_related("chain").get(pk=firing_id)
        record(
            "triggers.chain.refused",
            actor=firing.chain.owner_id,
            target=firing.chain,
            outcome=Outcome.DENIED,
            detail={"code": error.code, "source": str(firing.source_id)},
        )
