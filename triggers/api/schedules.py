"""Schedules: list, make, look at, change, delete; pause, resume, run now; what is to come."""

from functools import partial
from typing import Any, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponseBase
from drf_spectacular.utils import extend_schema, extend_schema_view
from pydantic import Field
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import authenticate_request, user_of
from core import clock
from core.api import AsyncAPIView, parse
from core.database import database
from core.idempotency import KEY
from core.instants import Instant
from core.listing import ListFilter, Page, ShapeList
from core.models import new_id
from core.names import Name
from triggers.api.shapes import FiringOut, PreviewOut, ScheduleOut, firing_out, schedule_out
from triggers.models import Schedule, ScheduleFiring
from triggers.services.firing import run_now
from triggers.services.schedules import (
    change_schedule,
    create_schedule,
    delete_schedule,
    pause_schedule,
    preview,
    resume_schedule,
    schedule_for,
)
from triggers.timing import Kind
from workflows.api.execute import started_out
from workflows.api.inputs import Body, JsonObject, Text
from workflows.api.revisions import IF_MATCH, etag, if_match
from workflows.api.shapes import ExecutionStarted
from workflows.api.starting import Door, idempotency, start

_LONGEST_GRACE_S = 7 * 24 * 3600
_NAME = 255
Misfire = Literal["skip", "once", "all"]


class TimesIn(Body):
    """When it is due: `cron` in `time_zone`, every `every_s` seconds, or once at `run_at`."""

    kind: Kind
    cron: Text = Field(default="", max_length=100)
    time_zone: Text = Field(default="UTC", max_length=64)
    every_s: int = Field(default=0, ge=0, le=2**31 - 1)
    run_at: Instant | None = None
    starts_at: Instant | None = None
    ends_at: Instant | None = None


class ScheduleIn(TimesIn):
    """What to run, a definition or a template (slug or id), with which input, and when."""

    name: Name
    definition: UUID | None = None
    template: Text = Field(default="", max_length=_NAME)
    input: JsonObject = Field(default_factory=dict)
    parameters: JsonObject = Field(default_factory=dict)
    misfire: Misfire = "skip"
    grace_s: int = Field(default=60, ge=1, le=_LONGEST_GRACE_S)
    paused: bool = False


class ScheduleChange(Body):
    """Sets the given fields. `revision` (or If-Match) is the one you read: 412 if outdated."""

    name: Name = ""
    definition: UUID | None = None
    template: Text = Field(default="", max_length=_NAME)
    input: JsonObject = Field(default_factory=dict)
    parameters: JsonObject = Field(default_factory=dict)
    kind: Kind = "cron"
    cron: Text = Field(default="", max_length=100)
    time_zone: Text = Field(default="UTC", max_length=64)
    every_s: int = Field(default=0, ge=0, le=2**31 - 1)
    run_at: Instant | None = None
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    misfire: Misfire = "skip"
    grace_s: int = Field(default=60, ge=1, le=_LONGEST_GRACE_S)
    revision: int | None = None


class ScheduleFilter(ListFilter):
    class Meta:
        model = Schedule
        fields = ["paused", "kind", "definition", "template"]


@extend_schema_view(get=extend_schema("schedules_list", responses=Page[ScheduleOut]))
class ScheduleList(ShapeList):
    """Your schedules, newest first."""

    filterset_class = ScheduleFilter
    queryset = Schedule.objects.none()
    shown = staticmethod(schedule_out)

    def get_queryset(self) -> Any:
        return Schedule.objects.visible_to(user_of(self.request)).for_list()

    @extend_schema(request=ScheduleIn, responses={201: ScheduleOut})
    def post(self, request: Request) -> Response:
        body = parse(ScheduleIn, request)
        made = create_schedule(owner=user_of(request), **body.model_dump())
        return shown(made, status.HTTP_201_CREATED)


class SchedulePreview(GenericAPIView[Schedule]):
    """The next five times of a schedule that is not saved."""

    @extend_schema(request=TimesIn, responses=PreviewOut)
    def post(self, request: Request) -> Response:
        times = preview(parse(TimesIn, request).model_dump())
        return Response(PreviewOut(times=times).to_json())


class ScheduleDetail(GenericAPIView[Schedule]):
    @extend_schema(responses=ScheduleOut)
    def get(self, request: Request, pk: str) -> Response:
        return shown(schedule_for(user_of(request), pk))

    @extend_schema(request=ScheduleChange, parameters=[IF_MATCH], responses=ScheduleOut)
    def patch(self, request: Request, pk: str) -> Response:
        schedule = schedule_for(user_of(request), pk)
        changes = parse(ScheduleChange, request).model_dump(exclude_unset=True)
        changes |= if_match(request)
        return shown(change_schedule(schedule, by=user_of(request), **changes))

    @extend_schema(parameters=[IF_MATCH], responses={204: None})
    def delete(self, request: Request, pk: str) -> Response:
        schedule = schedule_for(user_of(request), pk)
        delete_schedule(schedule, by=user_of(request), **if_match(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class SchedulePause(GenericAPIView[Schedule]):
    """Not due until it is resumed; times that pass meanwhile are not missed."""

    @extend_schema(request=None, parameters=[IF_MATCH], responses=ScheduleOut)
    def post(self, request: Request, pk: str) -> Response:
        user, seen = user_of(request), if_match(request).get("revision")
        return shown(pause_schedule(schedule_for(user, pk), by=user, revision=seen))


class ScheduleResume(GenericAPIView[Schedule]):
    """Due again, from its next time on."""

    @extend_schema(request=None, parameters=[IF_MATCH], responses=ScheduleOut)
    def post(self, request: Request, pk: str) -> Response:
        user, seen = user_of(request), if_match(request).get("revision")
        return shown(resume_schedule(schedule_for(user, pk), by=user, revision=seen))


class ScheduleTimes(GenericAPIView[Schedule]):
    """Its next five times; for a paused schedule, what they would be."""

    @extend_schema(responses=PreviewOut)
    def get(self, request: Request, pk: str) -> Response:
        schedule = schedule_for(user_of(request), pk)
        times = schedule.timing.upcoming(clock.now())
        return Response(PreviewOut(times=times).to_json())


class ScheduleRunNow(AsyncAPIView):
    """Start it once outside its times, for its owner: 202 with the execution."""

    @extend_schema(request=None, parameters=[KEY], responses={202: ExecutionStarted})
    async def post(self, request: HttpRequest, pk: str) -> HttpResponseBase:
        user = await authenticate_request(request)
        schedule = await database.run(schedule_for, user, pk)
        wanted, once = new_id(), idempotency(request)
        asked: Any = {"id": wanted, "request_id": getattr(request, "request_id", ""), **once}
        begin = partial(run_now, schedule, by=user, **asked)
        key = (schedule.owner_id, once["idempotency_key"])
        return await start(Door(wanted, begin, started_out, key=key), "background")


@extend_schema_view(get=extend_schema("schedule_firings_list", responses=Page[FiringOut]))
class FiringList(ShapeList):
    """The outcome of each fire time, newest first."""

    filter_backends = ()
    queryset = ScheduleFiring.objects.none()
    shown = staticmethod(firing_out)

    def get_queryset(self) -> Any:
        user = user_of(self.request)
        schedule = schedule_for(user, self.kwargs["pk"])
        return ScheduleFiring.objects.visible_to(user).filter(schedule=schedule)


def shown(schedule: Schedule, code: int = status.HTTP_200_OK) -> Response:
    """The schedule, with its revision as the ETag."""
    return Response(schedule_out(schedule).to_json(), status=code, headers=etag(schedule))
