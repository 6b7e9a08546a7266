"""Doors for other programs: list, make, look at, change, delete, and what was delivered."""

from typing import Any, Literal
from uuid import UUID

from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_view
from pydantic import Field
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import user_of
from core.api import parse
from core.listing import Page, ShapeList
from core.names import Name
from webhooks.api.shapes import (
    DeliveryOut,
    IncomingMade,
    IncomingOut,
    delivery_out,
    incoming_made,
    incoming_out,
)
from webhooks.models import IncomingWebhook, WebhookDelivery
from webhooks.services.incoming import change_incoming, create_incoming
from webhooks.services.signed import delete_signed, rotate_secret, signed_for
from workflows.api.inputs import Body, JsonObject, Text

WEEK_S = 7 * 86_400


class IncomingIn(Body):
    """A new webhook, for a definition or a template.

    `mapping` gives each name of the run's input an expression over `payload`, `headers` and
    `query`; without it, `input.message` is the whole payload as text. `mode` wait: the sender gets
    the result of the run.
    """

    name: Name = Field(max_length=100)
    definition: UUID | None = None
    template: Text | None = Field(default=None, max_length=80)
    mapping: dict[str, Text] = Field(default_factory=dict)
    parameters: JsonObject = Field(default_factory=dict)
    mode: Literal["background", "wait"] = "background"
    signature: Literal["standard", "github"] = "standard"


class IncomingChange(Body):
    """Sets the given fields."""

    name: Name | None = Field(default=None, max_length=100)
    mapping: dict[str, Text] | None = None
    parameters: JsonObject | None = None
    mode: Literal["background", "wait"] | None = None
    enabled: bool | None = None


class RotateIn(Body):
    """For how many seconds the previous secret stays valid."""

    overlap_s: int = Field(default=86_400, ge=0, le=WEEK_S)


class DeliveryFilter(filters.FilterSet):
    class Meta:
        model = WebhookDelivery
        fields = ("outcome", "delivery_id")


@extend_schema_view(get=extend_schema("webhooks_incoming_list", responses=Page[IncomingOut]))
class IncomingList(ShapeList):
    """One's own, newest first."""

    filter_backends = ()
    queryset = IncomingWebhook.objects.none()
    shown = staticmethod(incoming_out)

    def get_queryset(self) -> Any:
        return IncomingWebhook.objects.visible_to(user_of(self.request)).for_list()

    @extend_schema(request=IncomingIn, responses={201: IncomingMade})
    def post(self, request: Request) -> Response:
        body = parse(IncomingIn, request)
        made = create_incoming(owner=user_of(request), **body.model_dump())
        return Response(incoming_made(made).to_json(), status=201)


class IncomingDetail(GenericAPIView[IncomingWebhook]):
    """One of one's own."""

    queryset = IncomingWebhook.objects.none()

    @extend_schema(operation_id="webhooks_incoming_retrieve", responses=IncomingOut)
    def get(self, request: Request, pk: str) -> Response:
        return Response(incoming_out(_found(request, pk)).to_json())

    @extend_schema(request=IncomingChange, responses=IncomingOut)
    def patch(self, request: Request, pk: str) -> Response:
        hook = _found(request, pk)
        changes = parse(IncomingChange, request).model_dump(exclude_none=True)
        changed = change_incoming(hook, by=user_of(request), **changes)
        return Response(incoming_out(changed).to_json())

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: str) -> Response:
        delete_signed(_found(request, pk), by=user_of(request))
        return Response(status=204)


class IncomingRotate(GenericAPIView[IncomingWebhook]):
    """A new secret, shown only this once."""

    queryset = IncomingWebhook.objects.none()

    @extend_schema(request=RotateIn, responses=IncomingMade)
    def post(self, request: Request, pk: str) -> Response:
        hook = _found(request, pk)
        body = parse(RotateIn, request)
        rotated = rotate_secret(hook, by=user_of(request), overlap_s=body.overlap_s)
        return Response(incoming_made(rotated).to_json())


@extend_schema_view(get=extend_schema("webhooks_deliveries_list", responses=Page[DeliveryOut]))
class DeliveryList(ShapeList):
    """What was delivered to one of them, newest first."""

    filterset_class = DeliveryFilter
    queryset = WebhookDelivery.objects.none()
    shown = staticmethod(delivery_out)

    def get_queryset(self) -> Any:
        hook = _found(self.request, self.kwargs["pk"])
        return WebhookDelivery.objects.visible_to(user_of(self.request)).filter(hook=hook)


def _found(request: Request, pk: str) -> IncomingWebhook:
    return signed_for(IncomingWebhook, user_of(request), pk)
