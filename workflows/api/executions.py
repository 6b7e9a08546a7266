"""Executions: list, look at, follow, cancel."""

from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import authenticate_request, user_of
from core.api import AsyncAPIView
from core.database import database
from core.errors import BadNumber
from core.listing import ListFilter, Page, ShapeList, YesOrNo
from core.outlets import Room
from core.queries import refuse_unknown
from core.spans import After, AtLeast, Before, MadeAfter, MadeBefore
from core.week import OfTheWeek
from workflows.api.shapes import EventsOut, ExecutionOut, listed_execution
from workflows.api.streaming import STREAM, wants_stream
from workflows.models import Rerun, WorkflowExecution
from workflows.selectors import execution_for
from workflows.services.executions import cancel_execution
from workflows.tracking.log import read_log
from workflows.watching.channels import ExecutionChannel
from workflows.watching.cursor import Cursor
from workflows.watching.streamed import stream_channel

_PAGE = 500


class ExecutionFilter(OfTheWeek, ListFilter):
    happened_at = "finished_at"

    conversation = filters.UUIDFilter(method="of_conversation")
    user = filters.UUIDFilter(field_name="user_id")
    version = filters.UUIDFilter(field_name="version_id")
    replays = YesOrNo(
        method="with_replays", help_text="Whether replays, which did nothing, are among them."
    )
    reruns = YesOrNo(
        method="with_reruns", help_text="Whether retries, replays and forks are among them."
    )
    late = YesOrNo(
        method="run_late", help_text="Whether it runs, and nobody was heard of who runs it."
    )
    created_after, created_before = MadeAfter("created_at"), MadeBefore("created_at")
    finished_after, finished_before = After("finished_at"), Before("finished_at")
    min_duration_ms = AtLeast("duration_ms")

    class Meta:
        model = WorkflowExecution
        fields = ["status", "kind", "template", "definition"]

    def of_conversation(self, rows: Any, name: str, value: Any) -> Any:
        return rows.in_series(f"conversation:{value}")

    def with_reruns(self, rows: Any, name: str, value: bool) -> Any:
        return rows if value else rows.filter(rerun="")

    def run_late(self, rows: Any, name: str, value: bool) -> Any:
        return rows.filter(rows.late()) if value else rows.exclude(rows.late())

    def with_replays(self, rows: Any, name: str, value: bool) -> Any:
        return rows if value else rows.exclude(rerun=Rerun.REPLAY)


@extend_schema_view(get=extend_schema("executions_list", responses=Page[ExecutionOut]))
class ExecutionList(ShapeList):
    """Your executions, newest first."""

    filterset_class = ExecutionFilter
    queryset = WorkflowExecution.objects.none()
    shown = staticmethod(listed_execution)

    def get_queryset(self) -> Any:
        return WorkflowExecution.objects.visible_to(user_of(self.request)).for_list()


class ExecutionDetail(GenericAPIView[WorkflowExecution]):
    @extend_schema(responses=ExecutionOut)
    def get(self, request: Request, pk: str) -> Response:
        return Response(listed_execution(execution_for(user_of(request), pk)).to_json())


class ExecutionEvents(AsyncAPIView):
    """The log from number k+1: a page of JSON, or the live stream when SSE is accepted."""

    @extend_schema(
        parameters=[
            OpenApiParameter("after", int),
            OpenApiParameter("Last-Event-ID", int, "header"),
        ],
        responses={200: EventsOut, **STREAM},
    )
    async def get(self, request: HttpRequest, pk: str) -> HttpResponseBase:
        user = await authenticate_request(request)
        refuse_unknown(request, ["after"])
        after = _after(request)
        if wants_stream(request):
            return await stream_channel(request, user, ExecutionChannel(), pk, Cursor(after))
        execution = await database.run(execution_for, user, pk)
        frames = await database.run(read_log, execution.id, after, Room(_PAGE))
        results = b",".join(frame.text.encode() for frame in frames)
        known = orjson.dumps(
            {
                "next_after": frames[-1].seq if frames else after,
                "last_seq": await database.run(last_seq, execution),
                "terminal": execution.over,
            }
        )
        return HttpResponse(
            b'{"results":[' + results + b"]," + known[1:], content_type="application/json"
        )


class ExecutionCancel(AsyncAPIView):
    """Stop an execution: 200 once it is over, 202 while it is still stopping."""

    @extend_schema(request=None, responses={200: ExecutionOut, 202: ExecutionOut})
    async def post(self, request: HttpRequest, pk: str) -> JsonResponse:
        user = await authenticate_request(request)
        execution = await database.run(execution_for, user, pk)
        over = await cancel_execution(execution.id, by=user)
        execution = await database.run(execution_for, user, pk)
        return JsonResponse(listed_execution(execution).to_json(), status=200 if over else 202)


def _after(request: HttpRequest) -> int:
    text = request.headers.get("Last-Event-ID") or request.GET.get("after") or "0"
    if not text.isdecimal() or len(text) > 9:  # noqa: PLR2004 - more than any log holds
        raise BadNumber(name="after")
    return int(text)


def last_seq(execution: WorkflowExecution) -> int:
    """The number of the latest event there is of it."""
    return execution.events.order_by("-seq").values_list("seq", flat=True).first() or 0
