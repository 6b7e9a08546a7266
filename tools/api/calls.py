"""The ledger of tool calls one may see."""

from typing import Any

from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import user_of
from core.errors import NotFound
from core.listing import Page, ShapeList, SomeOf
from core.origins import of_execution
from core.spans import After, AtLeast, MadeAfter, MadeBefore
from tools.api.shapes import ToolCallListed, ToolCallOut, call_out, listed_call
from tools.models import ToolCall, ToolCallStatus
from tools.querysets import ToolCallQuerySet


class ToolCallFilter(filters.FilterSet):
    execution = filters.UUIDFilter(method="of_execution", help_text="An execution's id.")
    user = filters.UUIDFilter(field_name="user_id")
    status = SomeOf(choices=ToolCallStatus.choices)
    started_after, started_before = MadeAfter("started_at"), MadeBefore("started_at")
    settled_after, settled_before = After("settled_at"), MadeBefore("settled_at")
    min_latency_ms = AtLeast("latency_ms")

    class Meta:
        model = ToolCall
        fields = ("answered_by", "tool", "node", "request_id")

    def of_execution(self, calls: ToolCallQuerySet, name: str, execution: Any) -> ToolCallQuerySet:
        return calls.of_origin(of_execution(execution))


@extend_schema_view(get=extend_schema("tool_calls_list", responses=Page[ToolCallListed]))
class ToolCallList(ShapeList):
    """Your calls to tools, newest first; staff see everyone's.

    Filtered by an execution that is unknown or another user's, the list is empty.
    """

    filterset_class = ToolCallFilter
    shown = staticmethod(listed_call)
    queryset = ToolCall.objects.none()

    def get_queryset(self) -> ToolCallQuerySet:
        return ToolCall.objects.visible_to(user_of(self.request)).for_list()


class ToolCallDetail(GenericAPIView[ToolCall]):
    """One call, with what the tool found."""

    queryset = ToolCall.objects.none()

    @extend_schema(operation_id="tool_calls_retrieve", responses=ToolCallOut)
    def get(self, request: Request, pk: Any) -> Response:
        call = ToolCall.objects.visible_to(user_of(request)).filter(pk=pk).first()
        if call is None:
            raise NotFound
        return Response(call_out(call).to_json())
