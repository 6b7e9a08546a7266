"""Who may use which tools, for staff: grants, and the switches of tools."""

from datetime import datetime, time
from typing import Annotated, Any
from uuid import UUID

from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_view
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import user_of
from core.api import parse
from core.instants import Instant
from core.listing import ListFilter, Page, ShapeList
from core.shapes import Shape
from tools.api.shapes import Text
from tools.models import ToolGrant
from tools.services.grants import change_grant, create_grant, delete_grant, grant_for

_MOST_CALLS = 2**31 - 1
_NEVER_NULL = ("allow", "time_zone")


def _without_zone(given: time) -> time:
    """Raises ValueError."""
    if given.tzinfo is not None:
        raise ValueError("An hour of the day is of the time_zone of the grant, and names none.")
    return given


Hour = Annotated[time, AfterValidator(_without_zone)]
Calls = Annotated[int, Field(ge=0, le=_MOST_CALLS)]


class GrantIn(BaseModel):
    """A new rule, for a user (an id), a group (its name), or with neither for everyone.

    `tool` is a tool's key, `scope:` and a scope, or `*`. A rule that does not `allow` overrides all
    others. It applies from `from_time` to `to_time` of the day, possibly past midnight, or always.
    """

    model_config = ConfigDict(extra="forbid")

    user: UUID | None = None
    group: Text | None = Field(default=None, max_length=150)
    tool: Text = Field(min_length=1, max_length=64)
    allow: bool = True
    expires_at: Instant | None = None
    from_time: Hour | None = None
    to_time: Hour | None = None
    time_zone: Text = Field(default="UTC", max_length=64)
    calls_per_hour: Calls | None = None


class GrantChange(BaseModel):
    """Sets the given fields; null removes the expiry, the hours or the number of calls."""

    model_config = ConfigDict(extra="forbid")

    allow: bool | None = None
    expires_at: Instant | None = None
    from_time: Hour | None = None
    to_time: Hour | None = None
    time_zone: Text | None = Field(default=None, max_length=64)
    calls_per_hour: Calls | None = None

    def given(self) -> dict[str, Any]:
        """What is to be set."""
        sent = self.model_dump(exclude_unset=True)
        return {k: v for k, v in sent.items() if v is not None or k not in _NEVER_NULL}


class GrantOut(Shape):
    """A rule; with neither user nor group it is for everyone."""

    id: UUID
    user: UUID | None
    group: str | None
    tool: str
    allow: bool
    expires_at: datetime | None
    from_time: time | None
    to_time: time | None
    time_zone: str
    calls_per_hour: int | None
    created_at: datetime
    updated_at: datetime


class GrantFilter(ListFilter):
    group = filters.CharFilter(field_name="group__name")

    class Meta:
        model = ToolGrant
        fields = ("user", "tool", "allow")


def grant_out(grant: ToolGrant) -> GrantOut:
    """From a row of `for_list()`."""
    return GrantOut(
        id=grant.id,
        user=grant.user_id,
        group=grant.group.name if grant.group else None,
        tool=grant.tool,
        allow=grant.allow,
        expires_at=grant.expires_at,
        from_time=grant.from_time,
        to_time=grant.to_time,
        time_zone=grant.time_zone,
        calls_per_hour=grant.calls_per_hour,
        created_at=grant.created_at,
        updated_at=grant.updated_at,
    )


@extend_schema_view(get=extend_schema("tool_grants_list", responses=Page[GrantOut]))
class GrantList(ShapeList):
    """All grants, newest first; for staff."""

    permission_classes = [IsAdminUser]
    filterset_class = GrantFilter
    queryset = ToolGrant.objects.none()
    shown = staticmethod(grant_out)

    def get_queryset(self) -> Any:
        return ToolGrant.objects.visible_to(user_of(self.request)).for_list()

    @extend_schema("tool_grants_create", request=GrantIn, responses={201: GrantOut})
    def post(self, request: Request) -> Response:
        made = create_grant(by=user_of(request), **parse(GrantIn, request).model_dump())
        return Response(grant_out(made).to_json(), status=status.HTTP_201_CREATED)


class GrantDetail(GenericAPIView[ToolGrant]):
    """One grant; for staff."""

    permission_classes = [IsAdminUser]
    queryset = ToolGrant.objects.none()

    @extend_schema("tool_grants_retrieve", responses=GrantOut)
    def get(self, request: Request, pk: UUID) -> Response:
        return Response(grant_out(grant_for(user_of(request), pk)).to_json())

    @extend_schema("tool_grants_update", request=GrantChange, responses=GrantOut)
    def patch(self, request: Request, pk: UUID) -> Response:
        user = user_of(request)
        changes = parse(GrantChange, request).given()
        changed = change_grant(grant_for(user, pk), by=user, changes=changes)
        return Response(grant_out(changed).to_json())

    @extend_schema("tool_grants_destroy", responses={204: None})
    def delete(self, request: Request, pk: UUID) -> Response:
        """Take it back: from the next call on it does not hold."""
        user = user_of(request)
        delete_grant(grant_for(user, pk), by=user)
        return Response(status=status.HTTP_204_NO_CONTENT)
