"""Outgoing endpoints over the API, and the messages sent to them."""

from typing import Any, Literal, get_args
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
from webhooks.api.incoming import RotateIn
from webhooks.api.shapes import (
    EndpointMade,
    EndpointOut,
    WebhookMessageOut,
    WebhookMessageWhole,
    endpoint_made,
    endpoint_out,
    message_out,
    whole_message,
)
from webhooks.models import WebhookEndpoint, WebhookMessage
from webhooks.services.endpoints import change_endpoint, create_endpoint, ping
from webhooks.services.messages import message_for, resend
from webhooks.services.signed import delete_signed, rotate_secret, signed_for
from workflows.api.inputs import Body, Text

Event = Literal[
    "execution.completed",
    "execution.failed",
    "execution.cancelled",
    "execution.waiting",
    "execution.refused",
    "budget.warned",
]
StaffEvent = Literal["security.alert"]


class EndpointIn(Body):
    """A new endpoint. With a definition or a template, it hears only of their runs.

    `replays`: also of replayed runs. `security.alert` is for staff.
    """

    name: Name = Field(max_length=100)
    url: Text = Field(max_length=2000)
    events: list[Event | StaffEvent] = Field(
        default_factory=lambda: [*get_args(Event)], min_length=1
    )
    replays: bool = False
    definition: UUID | None = None
    template: Text | None = Field(default=None, max_length=80)


class EndpointChange(Body):
    """Sets the given fields."""

    name: Name | None = Field(default=None, max_length=100)
    url: Text | None = Field(default=None, max_length=2000)
    events: list[Event | StaffEvent] | None = Field(default=None, min_length=1)
    replays: bool | None = None
    enabled: bool | None = None


class MessageFilter(filters.FilterSet):
    class Meta:
        model = WebhookMessage
        fields = ("status", "type")


@extend_schema_view(get=extend_schema("webhooks_endpoints_list", responses=Page[EndpointOut]))
class EndpointList(ShapeList):
    """One's own, newest first."""

    filter_backends = ()
    queryset = WebhookEndpoint.objects.none()
    shown = staticmethod(endpoint_out)

    def get_queryset(self) -> Any:
        return WebhookEndpoint.objects.visible_to(user_of(self.request)).for_list()

    @extend_schema(request=EndpointIn, responses={201: EndpointMade})
    def post(self, request: Request) -> Response:
        body = parse(EndpointIn, request)
        made = create_endpoint(owner=user_of(request), **body.model_dump())
        return Response(endpoint_made(made).to_json(), status=201)


class EndpointDetail(GenericAPIView[WebhookEndpoint]):
    """One of one's own."""

    queryset = WebhookEndpoint.objects.none()

    @extend_schema(operation_id="webhooks_endpoints_retrieve", responses=EndpointOut)
    def get(self, request: Request, pk: str) -> Response:
        return Response(endpoint_out(_found(request, pk)).to_json())

    @extend_schema(request=EndpointChange, responses=EndpointOut)
    def patch(self, request: Request, pk: str) -> Response:
        endpoint = _found(request, pk)
        changes = parse(EndpointChange, request).model_dump(exclude_none=True)
        changed = change_endpoint(endpoint, by=user_of(request), **changes)
        return Response(endpoint_out(changed).to_json())

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: str) -> Response:
        delete_signed(_found(request, pk), by=user_of(request))
        return Response(status=204)


class EndpointRotate(GenericAPIView[WebhookEndpoint]):
    """A new secret, shown only this once; until the overlap is over, both sign."""

    queryset = WebhookEndpoint.objects.none()

    @extend_schema(request=RotateIn, responses=EndpointMade)
    def post(self, request: Request, pk: str) -> Response:
        endpoint = _found(request, pk)
        body = parse(RotateIn, request)
        rotated = rotate_secret(endpoint, by=user_of(request), overlap_s=body.overlap_s)
        return Response(endpoint_made(rotated).to_json())


class EndpointPing(GenericAPIView[WebhookEndpoint]):
    """Send it a message of the type `ping`, to see whether it arrives."""

    queryset = WebhookEndpoint.objects.none()

    @extend_schema(request=None, responses={202: WebhookMessageOut})
    def post(self, request: Request, pk: str) -> Response:
        sent = ping(_found(request, pk), by=user_of(request))
        return Response(message_out(sent).to_json(), status=202)


@extend_schema_view(get=extend_schema("webhooks_messages_list", responses=Page[WebhookMessageOut]))
class MessageList(ShapeList):
    """The messages for one endpoint, newest first; those given up have the status `dead`."""

    filterset_class = MessageFilter
    queryset = WebhookMessage.objects.none()
    shown = staticmethod(message_out)

    def get_queryset(self) -> Any:
        endpoint = _found(self.request, self.kwargs["pk"])
        mine = WebhookMessage.objects.visible_to(user_of(self.request))
        return mine.filter(endpoint=endpoint).defer("body")


class MessageDetail(GenericAPIView[WebhookMessage]):
    """What is sent, and the result of each attempt."""

    queryset = WebhookMessage.objects.none()

    @extend_schema(operation_id="webhooks_messages_retrieve", responses=WebhookMessageWhole)
    def get(self, request: Request, pk: str) -> Response:
        return Response(whole_message(message_for(user_of(request), pk)).to_json())


class MessageResend(GenericAPIView[WebhookMessage]):
    """Send a dead message again, under its old id."""

    queryset = WebhookMessage.objects.none()

    @extend_schema(request=None, responses={202: WebhookMessageOut})
    def post(self, request: Request, pk: str) -> Response:
        user = user_of(request)
        sent = resend(message_for(user, pk), by=user)
        return Response(message_out(sent).to_json(), status=202)


def _found(request: Request, pk: str) -> WebhookEndpoint:
    return signed_for(WebhookEndpoint, user_of(request), pk)
