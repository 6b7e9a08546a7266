"""Approvals: list, look at, decide."""

from typing import Annotated, Any, Literal

from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_view
from pydantic import AfterValidator, Field
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import user_of
from core.api import parse
from core.idempotency import KEY
from core.json_values import storable
from core.listing import Page, ShapeList
from workflows.api.approval_shapes import ApprovalOut, approval_out
from workflows.api.inputs import Body, Text
from workflows.api.starting import idempotency
from workflows.models import Approval
from workflows.services.approvals import approval_for, decide


class DecideIn(Body):
    """`answer` fits the approval's form; leave it out when rejecting, or if there is no form."""

    decision: Literal["approve", "reject"]
    comment: Text = Field(default="", max_length=5_000)
    answer: Annotated[Any, AfterValidator(storable)] = None


class ApprovalFilter(filters.FilterSet):
    execution = filters.UUIDFilter(field_name="execution_id")

    class Meta:
        model = Approval
        fields = ["status"]


@extend_schema_view(get=extend_schema("approvals_list", responses=Page[ApprovalOut]))
class ApprovalList(ShapeList):
    """Approvals of your own runs and those you may decide, newest first."""

    filterset_class = ApprovalFilter
    queryset = Approval.objects.none()
    shown = staticmethod(approval_out)

    def get_queryset(self) -> Any:
        return Approval.objects.visible_to(user_of(self.request)).for_list()


class ApprovalDetail(GenericAPIView[Approval]):
    @extend_schema(responses=ApprovalOut)
    def get(self, request: Request, pk: str) -> Response:
        return Response(approval_out(approval_for(user_of(request), pk)).to_json())


class ApprovalDecide(GenericAPIView[Approval]):
    """Approve or reject; the execution continues. 409 when nothing is left to decide."""

    @extend_schema(request=DecideIn, parameters=[KEY], responses=ApprovalOut)
    def post(self, request: Request, pk: str) -> Response:
        by = user_of(request)
        body = parse(DecideIn, request)
        decided = decide(
            approval_for(by, pk),
            by=by,
            approve=body.decision == "approve",
            comment=body.comment,
            answer=body.answer,
            once=idempotency(request),
        )
        return Response(approval_out(decided).to_json())
