"""Fire times become executions: each is committed with its firing, so it is neither lost nor twice.

A process has a due schedule to itself for a while, which spares others the work. That no fire time
runs twice does not hang on it: the firing's row is unique, and the schedule moves on only from the
very state it was seen in.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar, Self
from uuid import UUID

import structlog
from django.db import IntegrityError, transaction

from accounts.models import User
from audit.models import Outcome
from audit.record import entry, record
from core import clock
from core.bulk import insert_rows
from core.database import database
from core.errors import ChatterError, TooMany
from core.models import new_id
from triggers.misfires import Misfire, Step, next_step
from triggers.models import FiringStatus, Schedule, ScheduleFiring
from triggers.services.schedules import ScheduleNotFound, pause_schedule
from triggers.services.targets import PAUSING, planned
from workflows.services.executions import StartContended, start_execution
from workflows.services.planning import StartPlan
from workflows.tracking.facts import Audited, Fact

log = structlog.get_logger(__name__)
_AT_ONCE = 8
_STEPS = 50
_HELD = timedelta(seconds=30)


class NothingRuns(Exception):
    """It is not due, or what is due does not run."""


@dataclass(slots=True)
class ScheduleFired(Fact):
    """A schedule, as it was seen, takes a step; `status` is what came of the time that runs."""

    rank: ClassVar[int] = 25
    schedule: Schedule
    step: Step
    status: str = FiringStatus.STARTED
    error: ChatterError | None = None
    execution_id: UUID | None = None

    @classmethod
    def write(cls, facts: Sequence[Self]) -> None:
        for fact in sorted(facts, key=lambda fact: fact.schedule.pk):
            fact._move_on()
        insert_rows(ScheduleFiring, [row for fact in facts for row in fact._rows()])

    def _move_on(self) -> None:
        seen, now = self.schedule, clock.now()
        next_at = self.step.next_at
        as_seen = Schedule.objects.filter(
            pk=seen.pk, revision=seen.revision, next_at=seen.next_at, paused=False
        )
        newest = self._rows()[-1]
        moved = as_seen.update(
            next_at=next_at,
            held_until=seen.held_until if next_at and next_at <= now else None,
            last_at=newest["fire_at"],
            last_status=newest["status"],
            last_code=newest.get("code", ""),
        )
        if not moved:
            raise IntegrityError("Another process was faster, or somebody changed the schedule.")

    def _rows(self) -> list[dict[str, Any]]:
        schedule = {"schedule_id": self.schedule.pk}
        rows: list[dict[str, Any]] = [
            {**schedule, "fire_at": one.at, "until": one.until, "status": one.status}
            for one in self.step.passed
        ]
        if self.step.fire_at is not None:
            ran = {"fire_at": self.step.fire_at, "status": self.status}
            told = {"execution_id": self.execution_id, **_said(self.error)}
            rows.append({**schedule, **ran, **told})
        return rows


@dataclass(slots=True)
class FiredByHand(Fact):
    """Somebody had a schedule run, whatever the time."""

    rank: ClassVar[int] = 25
    schedule: Schedule
    execution_id: UUID

    @classmethod
    def write(cls, facts: Sequence[Self]) -> None:
        now = clock.now()
        rows = [
            {
                "schedule_id": fact.schedule.pk,
                "fire_at": now,
                "status": FiringStatus.STARTED,
                "manual": True,
                "execution_id": fact.execution_id,
            }
            for fact in facts
        ]
        insert_rows(ScheduleFiring, rows)
        for pk in sorted({fact.schedule.pk for fact in facts}):
            ran = Schedule.objects.filter(pk=pk)
            ran.update(last_at=now, last_status=FiringStatus.STARTED, last_code="")


async def fire_due() -> int:
    """Start all that is due now, unless another process does; returns how many schedules were."""
    done = 0
    while due := await database.run(claim_due, _AT_ONCE):
        await asyncio.gather(*map(_fire_safely, due))
        done += len(due)
    return done


def claim_due(most: int) -> list[UUID]:
    """Schedules that are due, for this process to fire; the longest due first."""
    now = clock.now()
    if not Schedule.objects.due(now).exists():  # a look costs no lock
        return []
    with transaction.atomic():
        due = Schedule.objects.due(now).order_by("next_at", "pk")
        claimed = due.select_for_update(skip_locked=True, of=("self",))[:most]
        ids = [schedule.pk for schedule in claimed]
        Schedule.objects.filter(pk__in=ids).update(held_until=now + _HELD)
    return ids


async def fire(schedule_id: UUID) -> None:
    """Do what is due of one schedule, fire time by fire time."""
    for _ in range(_STEPS):
        try:
            await start_execution(partial(_plan, schedule_id))
        except StartContended:
            return
        except (NothingRuns, ChatterError) as error:
            if isinstance(error, TooMany) and await database.run(_runs_each, schedule_id):
                return  # it is held for a while, and then taken up again
            refused = error if isinstance(error, ChatterError) else None
            if not await database.run(pass_over, schedule_id, refused):
                return
    await database.run(_release, schedule_id)  # there is more; others may have a turn


async def run_now(schedule: Schedule, *, by: User, **request: Any) -> StartPlan:
    """Start it for its owner, beside its times; paused or not.

    Raises ScheduleNotFound, and what a start raises.
    """
    return await start_execution(partial(_plan_by_hand, schedule.pk, by, request))


@transaction.atomic
def pass_over(schedule_id: UUID, refused: ChatterError | None) -> bool:
    """Take the next step without a start; False when nothing is due."""
    schedule = Schedule.objects.select_for_update().filter(pk=schedule_id).first()
    if schedule is None or (step := _step(schedule)) is None:
        return False
    if step.fire_at is not None and refused is None:
        return True  # it has become due meanwhile
    ScheduleFired.write([ScheduleFired(schedule, step, FiringStatus.REFUSED, refused)])
    if refused is not None:
        _record_refusal(schedule, refused)
    return True


async def _fire_safely(schedule_id: UUID) -> None:
    """What goes wrong with one schedule is tried again, and is nothing to the others."""
    try:
        await fire(schedule_id)
    except Exception:
        log.exception("schedule.failed", schedule=str(schedule_id))


def _runs_each(schedule_id: UUID) -> bool:
    """Whether no time is to be left out, so that it waits for room."""
    return Schedule.objects.filter(pk=schedule_id, misfire=Misfire.ALL).exists()


def _release(schedule_id: UUID) -> None:
    Schedule.objects.filter(pk=schedule_id).update(held_until=None)


def _step(schedule: Schedule) -> Step | None:
    now = clock.now()
    if schedule.next_at is None or schedule.next_at > now:
        return None
    misfire = Misfire(schedule.misfire)
    return next_step(schedule.timing, schedule.next_at, now, misfire, schedule.grace)


def _plan(schedule_id: UUID) -> StartPlan:
    """Raises NothingRuns, OwnerInactive, TargetGone, and what `plan_execution` raises."""
    schedule = Schedule.objects.for_list().filter(pk=schedule_id).first()
    step = _step(schedule) if schedule else None
    if schedule is None or step is None or step.fire_at is None:
        raise NothingRuns
    plan, execution_id = planned(
        schedule.owner,
        schedule,
        schedule.input,
        request_id=f"schedule-{new_id()}",
        cause="schedule",
    )
    plan.facts.append(ScheduleFired(schedule, step, execution_id=execution_id))
    return plan


def _plan_by_hand(schedule_id: UUID, by: User, request: dict[str, Any]) -> StartPlan:
    schedule = Schedule.objects.for_list().filter(pk=schedule_id).first()
    if schedule is None:
        raise ScheduleNotFound
    plan, execution_id = planned(
        schedule.owner, schedule, schedule.input, cause="schedule", **request
    )
    if not plan.existing:
        act = entry("triggers.schedule.run", actor=by, target=schedule)
        plan.facts.extend([FiredByHand(schedule, execution_id), Audited(act)])
    return plan


def _record_refusal(schedule: Schedule, refused: ChatterError) -> None:
    record(
        "triggers.schedule.refused",
        actor=schedule.owner_id,
        target=schedule,
        outcome=Outcome.DENIED,
        detail={"code": refused.code},
    )
    if isinstance(refused, PAUSING):
        pause_schedule(schedule, by=None, because=refused.code)


def _said(error: ChatterError | None) -> dict[str, str]:
    return {"code": error.code, "message": error.in_one_line} if error else {}
