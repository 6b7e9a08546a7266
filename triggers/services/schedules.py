"""Schedules of a user: made, changed, paused, resumed and deleted."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max

from accounts.models import User
from audit.changes import changes_for_audit
from audit.record import AuditDetail, label, record
from core import clock
from core.bulk import insert_rows
from core.errors import ChatterError, Conflict, NotFound
from core.json_values import same
from triggers.misfires import missed
from triggers.models import Schedule, ScheduleFiring
from triggers.services.targets import (
    found_target,
    locked_owner,
    planned,
    refuse_more,
)
from triggers.services.times import TIMES, check_times, timing_of
from workflows.services.revisions import locked_row, save_row

_TARGET = {"definition", "template"}
_START = {*_TARGET, "input", "parameters"}

_WORDS = ("name", "input", "parameters")  # where people write what they like


class ScheduleNotFound(NotFound):
    code = "schedule_not_found"
    message = "There is no such schedule, or it is not yours."


class ScheduleChanged(ChatterError):
    """Somebody else saved first."""

    code = "schedule_changed"
    status = 412
    message = "The schedule is at revision {revision} by now; load it and change that."


class ScheduleOver(Conflict):
    code = "schedule_over"
    message = "None of its times is still to come; change when it is due."


def schedule_for(user: User, pk: UUID | str) -> Schedule:
    """One schedule this user may see. Raises ScheduleNotFound."""
    try:
        found: Schedule = Schedule.objects.visible_to(user).for_list().get(pk=pk)
    except (Schedule.DoesNotExist, ValidationError, ValueError) as error:
        raise ScheduleNotFound from error
    return found


@transaction.atomic
def create_schedule(
    *, owner: User, by: User | None = None, once: str = "", **fields: Any
) -> Schedule:
    """A new schedule; what it runs is checked as a start by its owner is, and does not start.

    With the same `once` as one that was made before, that one. Raises InvalidSchedule, OneTarget,
    TooManyTriggers, and what `plan_execution` raises.
    """
    locked = locked_owner(owner)
    if once and (before := Schedule.objects.filter(owner=owner, once=once).first()) is not None:
        return before
    refuse_more(locked, Schedule.objects)
    definition, template = found_target(
        owner, fields.pop("definition", None), fields.pop("template", None)
    )
    schedule = Schedule(
        owner=owner,
        definition=definition,
        template=template,
        once=once,
        **{"starts_at": None, **fields},
    )
    _settle_times(schedule)
    _check_start(schedule)
    schedule.save()
    record(
        "triggers.schedule.created", actor=by or owner, target=schedule, **_audit_detail(schedule)
    )
    return schedule


@transaction.atomic
def change_schedule(
    schedule: Schedule, *, by: User, revision: int | None = None, **fields: Any
) -> Schedule:
    """Set what is given; nothing is written where nothing differs.

    Raises ScheduleChanged if it is no longer at `revision`, and what `create_schedule` raises.
    """
    schedule = _locked(schedule, revision)
    if _TARGET & fields.keys():
        target = {"definition": fields.get("definition"), "template": fields.get("template")}
        fields |= dict(zip(target, found_target(schedule.owner, *target.values()), strict=True))
    changed = sorted(name for name in fields if not same(getattr(schedule, name), fields[name]))
    if not changed:
        return schedule
    if TIMES & set(changed):
        _miss_due(schedule)
    before = {name: getattr(schedule, name) for name in changed}
    for name in changed:
        setattr(schedule, name, fields[name])
    if TIMES & set(changed):
        _settle_times(schedule)
    if _START & set(changed):
        _check_start(schedule)
    save_row(schedule)
    after = {name: fields[name] for name in changed}
    told = changes_for_audit(before, after, personal=_WORDS, runs=label(schedule.target))
    record("triggers.schedule.changed", actor=by, target=schedule, **told)
    return schedule


@transaction.atomic
def pause_schedule(
    schedule: Schedule, *, by: User | None, because: str = "", revision: int | None = None
) -> Schedule:
    """From now on it is not due; what has been due is missed, what passes meanwhile is not.

    Safe to repeat. Raises ScheduleChanged if it is no longer at `revision`.
    """
    schedule = _locked(schedule, revision)
    if not schedule.paused:
        _miss_due(schedule)
        schedule.paused, schedule.paused_because = True, because
        schedule.next_at = schedule.held_until = None
        save_row(schedule)
        detail = {"because": because} if because else {}
        record("triggers.schedule.paused", actor=by, target=schedule, detail=detail)
    return schedule


@transaction.atomic
def resume_schedule(schedule: Schedule, *, by: User, revision: int | None = None) -> Schedule:
    """It is due at its next time from now on. Safe to repeat.

    Raises ScheduleOver, and ScheduleChanged if it is no longer at `revision`.
    """
    schedule = _locked(schedule, revision)
    if schedule.paused:
        schedule.paused, schedule.paused_because = False, ""
        schedule.next_at = _next(schedule, clock.now())
        if schedule.next_at is None:
            raise ScheduleOver
        save_row(schedule)
        record("triggers.schedule.resumed", actor=by, target=schedule)
    return schedule


@transaction.atomic
def delete_schedule(schedule: Schedule, *, by: User, revision: int | None = None) -> None:
    """Delete it with its history; what it started stays. Raises ScheduleChanged."""
    schedule = _locked(schedule, revision)
    record("triggers.schedule.deleted", actor=by, target=schedule, **_audit_detail(schedule))
    schedule.delete()


def preview(fields: Mapping[str, Any], count: int = 5) -> list[datetime]:
    """The next times of a schedule with these fields. Raises InvalidSchedule."""
    now = clock.now()
    check_times(fields, now)
    return timing_of(fields, now).upcoming(now, count)


def _locked(schedule: Schedule, revision: int | None = None) -> Schedule:
    found: Schedule = locked_row(
        Schedule.objects.for_list(),
        schedule.pk,
        revision,
        missing=ScheduleNotFound(),
        changed=ScheduleChanged,
    )
    return found


def _miss_due(schedule: Schedule) -> None:
    """Tell what was due and has not been run: after this, nobody would know."""
    now = clock.now()
    if schedule.next_at is None:
        return
    told = missed(schedule.timing, schedule.next_at, now)
    rows = [
        {"schedule_id": schedule.pk, "fire_at": one.at, "until": one.until, "status": one.status}
        for one in told
    ]
    insert_rows(ScheduleFiring, rows)
    if told:
        schedule.last_at, schedule.last_status = told[-1].at, told[-1].status
        schedule.last_code = ""


def _settle_times(schedule: Schedule) -> None:
    """Raises InvalidSchedule."""
    now = clock.now()
    schedule.starts_at = schedule.starts_at or now.replace(microsecond=0)
    schedule.time_zone = schedule.time_zone or "UTC"
    check_times(vars(schedule), now)
    schedule.next_at = None if schedule.paused else _next(schedule, now)
    schedule.held_until = None


def _next(schedule: Schedule, now: datetime) -> datetime | None:
    """Its next time that has not been: clocks are set back, and those of two hosts differ."""
    newest = schedule.firings.aggregate(at=Max("fire_at"))["at"]
    return schedule.timing.next(max(now, newest or now))


def _check_start(schedule: Schedule) -> None:
    planned(schedule.owner, schedule, schedule.input, request_id="", cause="schedule")


def _audit_detail(schedule: Schedule) -> AuditDetail:
    """What the audit trail says of it; what it is given is told nowhere."""
    detail = {
        "kind": schedule.kind,
        "runs": label(schedule.target),
        "next_at": schedule.next_at.isoformat() if schedule.next_at else "",
    }
    return {"detail": detail, "personal": {"name": schedule.name}}
