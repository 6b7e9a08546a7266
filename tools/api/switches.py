"""Which tools are on, and which are open to all; for staff."""

from datetime import datetime

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, ConfigDict
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import user_of
from core.api import parse
from core.shapes import Shape
from tools.models import ToolSetting
from tools.services.switching import setting_for, switch_tool


class ToolChange(BaseModel):
    """Sets the given fields."""

    model_config = ConfigDict(extra="forbid")

    enabled: bool | None = None
    open_to_all: bool | None = None


class ToolSwitches(Shape):
    """The settings of a tool. Off: nobody can use it. Not open: only with a grant."""

    key: str
    enabled: bool
    open_to_all: bool
    updated_at: datetime


def switches_out(setting: ToolSetting) -> ToolSwitches:
    return ToolSwitches(
        key=setting.tool,
        enabled=setting.enabled,
        open_to_all=setting.open_to_all,
        updated_at=setting.updated_at,
    )


class ToolDetail(APIView):
    permission_classes = [IsAdminUser]

    @extend_schema("tools_switches", responses=ToolSwitches)
    def get(self, request: Request, key: str) -> Response:
        """Whether a tool is on, and open to everyone; for staff."""
        return Response(switches_out(setting_for(key)).to_json())

    @extend_schema("tools_update", request=ToolChange, responses=ToolSwitches)
    def patch(self, request: Request, key: str) -> Response:
        """Switch a tool on or off, open it to all or only to whom it is granted; for staff."""
        changes = parse(ToolChange, request).model_dump(exclude_none=True)
        setting = switch_tool(key, by=user_of(request), changes=changes)
        return Response(switches_out(setting).to_json())
