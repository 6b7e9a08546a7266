"""MCP servers and their tools, for administrators: register, test, refresh, approve, switch."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import authenticate_request, user_of
from accounts.models import User
from core.api import AsyncAPIView, parse
from core.database import database
from core.errors import NotFound, Refused
from core.listing import Page, ShapeList
from tools.api.mcp_shapes import (
    McpHealth,
    McpRefreshed,
    McpServerChange,
    McpServerIn,
    McpServerOut,
    McpServerWhole,
    McpToolChange,
    McpToolOut,
    health_out,
    refreshed_out,
    server_out,
    tool_out,
    whole_server,
)
from tools.models import McpServer, McpTool, ToolSetting
from tools.selectors import statistics_for
from tools.services.mcp_servers import (
    change_server,
    check_health,
    refresh_server,
    register_server,
    remove_server,
)
from tools.services.mcp_tools import approve_tool, set_tool


@extend_schema_view(get=extend_schema("mcp_servers_list", responses=Page[McpServerOut]))
class McpServerList(ShapeList):
    """The registered servers, newest first; for staff."""

    permission_classes = [IsAdminUser]
    shown = staticmethod(server_out)
    queryset = McpServer.objects.none()

    def get_queryset(self) -> Any:
        return McpServer.objects.visible_to(user_of(self.request))

    @extend_schema("mcp_servers_create", request=McpServerIn, responses={201: McpServerWhole})
    def post(self, request: Request) -> Response:
        """Register a server; fetch its tools with `refresh/`."""
        body = parse(McpServerIn, request)
        server = register_server(by=user_of(request), **body.model_dump())
        return _whole(user_of(request), server, status.HTTP_201_CREATED)


class McpServerDetail(GenericAPIView[McpServer]):
    """One server with its tools; for staff."""

    permission_classes = [IsAdminUser]
    queryset = McpServer.objects.none()

    @extend_schema("mcp_servers_retrieve", responses=McpServerWhole)
    def get(self, request: Request, pk: UUID) -> Response:
        user = user_of(request)
        return _whole(user, _server(user, pk))

    @extend_schema("mcp_servers_update", request=McpServerChange, responses=McpServerWhole)
    def patch(self, request: Request, pk: UUID) -> Response:
        user = user_of(request)
        changes = parse(McpServerChange, request).model_dump(exclude_none=True)
        headers = changes.pop("headers", None)
        server = change_server(_server(user, pk), by=user, headers=headers, **changes)
        return _whole(user, server)

    @extend_schema("mcp_servers_destroy", responses={204: None})
    def delete(self, request: Request, pk: UUID) -> Response:
        """Remove it with its tools and the grants for them; the ledger of calls stays."""
        remove_server(_server(user_of(request), pk), by=user_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class McpToolDetail(GenericAPIView[McpTool]):
    permission_classes = [IsAdminUser]
    queryset = McpTool.objects.none()

    @extend_schema("mcp_tools_update", request=McpToolChange, responses=McpToolOut)
    def patch(self, request: Request, pk: UUID, key: str) -> Response:
        """Approve what the server offers now, switch the tool, or open it to all; for staff."""
        user = user_of(request)
        tool = _server(user, pk).tools.filter(key=key).first()
        if tool is None:
            raise NotFound
        changes = parse(McpToolChange, request).model_dump(exclude_none=True)
        if (looked_at := changes.pop("approve", None)) is not None:
            tool = approve_tool(tool, by=user, content_hash=looked_at)
        tool = set_tool(tool, by=user, changes=changes)
        setting = ToolSetting.objects.filter(tool=key).first()
        return Response(tool_out(tool, setting, statistics_for(user)).to_json())


class McpServerTest(AsyncAPIView):
    """Check a server; for staff. A server that fails is a 200 that says so."""

    @extend_schema("mcp_servers_test", request=None, responses=McpHealth)
    async def post(self, request: HttpRequest, pk: UUID) -> HttpResponseBase:
        _, server = await _asked_for(request, pk)
        await check_health(server)
        return _json(health_out(server))


class McpServerRefresh(AsyncAPIView):
    """Fetch a server's tools and store what it offers; for staff.

    A tool that is new, or has changed since it was approved, needs approval.
    """

    @extend_schema("mcp_servers_refresh", request=None, responses=McpRefreshed)
    async def post(self, request: HttpRequest, pk: UUID) -> HttpResponseBase:
        user, server = await _asked_for(request, pk)
        report, _ = await refresh_server(server, by=user)
        return _json(refreshed_out(server, report))


async def _asked_for(request: HttpRequest, pk: UUID) -> tuple[User, McpServer]:
    user = await authenticate_request(request)
    if not user.is_staff:
        raise Refused
    return user, await database.run(_server, user, pk)


def _server(user: User, pk: UUID) -> McpServer:
    server: McpServer | None = McpServer.objects.visible_to(user).filter(pk=pk).first()
    if server is None:
        raise NotFound
    return server


def _whole(user: User, server: McpServer, code: int = status.HTTP_200_OK) -> Response:
    tools = list(server.tools.all())
    settings = ToolSetting.objects.filter(tool__in=[tool.key for tool in tools]).in_bulk(
        field_name="tool"
    )
    shown = whole_server(server, tools, settings, statistics_for(user))
    return Response(shown.to_json(), status=code)


def _json(shape: McpHealth | McpRefreshed) -> HttpResponse:
    return HttpResponse(shape.model_dump_json(), content_type="application/json")
