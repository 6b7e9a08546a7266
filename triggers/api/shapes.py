"""What the API says of schedules and chains."""

from datetime import datetime
from typing import Any
from uuid import UUID

from core.shapes import Shape
from triggers.models import Chain, ChainFiring, Schedule, ScheduleFiring


class LastFiring(Shape):
    at: datetime
    status: str
    code: str


class ScheduleOut(Shape):
    """`next_at` is null while it is paused, and when it has no further times.

    `paused_because` says why it paused by itself. `misfire` says what happens to times that are
    more than `grace_s` seconds late.
    """

    id: UUID
    name: str
    owner: UUID
    definition: UUID | None
    template: UUID | None
    input: dict[str, Any]
    parameters: dict[str, Any]
    kind: str
    cron: str
    time_zone: str
    every_s: int
    run_at: datetime | None
    starts_at: datetime
    ends_at: datetime | None
    misfire: str
    grace_s: int
    paused: bool
    paused_because: str
    next_at: datetime | None
    last: LastFiring | None
    revision: int
    created_at: datetime
    updated_at: datetime


class PreviewOut(Shape):
    """The next times, at most five."""

    times: list[datetime]


class FiringOut(Shape):
    """The outcome of one fire time; with `until`, of all from `fire_at` to there."""

    id: UUID
    fire_at: datetime
    until: datetime | None
    status: str
    code: str
    message: str
    manual: bool
    execution: UUID | None
    created_at: datetime


class ChainOut(Shape):
    """`input` and `condition` use `execution`, `output` and `error` of what has ended."""

    id: UUID
    name: str
    owner: UUID
    after_definition: UUID | None
    after_template: UUID | None
    on: list[str]
    condition: str
    definition: UUID | None
    template: UUID | None
    input: dict[str, Any]
    parameters: dict[str, Any]
    paused: bool
    revision: int
    created_at: datetime
    updated_at: datetime


class ChainFiringOut(Shape):
    """The outcome of one end of an execution. `depth` counts how many chains led there."""

    id: UUID
    source: UUID
    status: str
    depth: int
    code: str
    message: str
    execution: UUID | None
    created_at: datetime


def schedule_out(schedule: Schedule) -> ScheduleOut:
    last = None
    if schedule.last_at is not None:
        last = LastFiring(at=schedule.last_at, status=schedule.last_status, code=schedule.last_code)
    return ScheduleOut(
        id=schedule.id,
        name=schedule.name,
        owner=schedule.owner_id,
        definition=schedule.definition_id,
        template=schedule.template_id,
        input=schedule.input,
        parameters=schedule.parameters,
        kind=schedule.kind,
        cron=schedule.cron,
        time_zone=schedule.time_zone,
        every_s=schedule.every_s,
        run_at=schedule.run_at,
        starts_at=schedule.starts_at,
        ends_at=schedule.ends_at,
        misfire=schedule.misfire,
        grace_s=schedule.grace_s,
        paused=schedule.paused,
        paused_because=schedule.paused_because,
        next_at=schedule.next_at,
        last=last,
        revision=schedule.revision,
        created_at=schedule.created_at,
        updated_at=schedule.updated_at,
    )


def firing_out(firing: ScheduleFiring) -> FiringOut:
    return FiringOut(
        id=firing.id,
        fire_at=firing.fire_at,
        until=firing.until,
        status=firing.status,
        code=firing.code,
        message=firing.message,
        manual=firing.manual,
        execution=firing.execution_id,
        created_at=firing.created_at,
    )


def chain_out(chain: Chain) -> ChainOut:
    return ChainOut(
        id=chain.id,
        name=chain.name,
        owner=chain.owner_id,
        after_definition=chain.after_definition_id,
        after_template=chain.after_template_id,
        on=chain.on,
        condition=chain.condition,
        definition=chain.definition_id,
        template=chain.template_id,
        input=chain.input,
        parameters=chain.parameters,
        paused=chain.paused,
        revision=chain.revision,
        created_at=chain.created_at,
        updated_at=chain.updated_at,
    )


def chain_firing_out(firing: ChainFiring) -> ChainFiringOut:
    return ChainFiringOut(
        id=firing.id,
        source=firing.source_id,
        status=firing.status,
        depth=firing.depth,
        code=firing.code,
        message=firing.message,
        execution=firing.execution_id,
        created_at=firing.created_at,
    )
