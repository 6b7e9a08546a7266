"""Routes under /api/v1/."""

from django.urls import path

from tools.api.calls import ToolCallDetail, ToolCallList
from tools.api.grants import GrantDetail, GrantList
from tools.api.mcp_servers import (
    McpServerDetail,
    McpServerList,
    McpServerRefresh,
    McpServerTest,
    McpToolDetail,
)
from tools.api.switches import ToolDetail
from tools.api.tools import ToolList, TryTool

urlpatterns = [
    path("mcp-servers/", McpServerList.as_view(), name="mcp-servers"),
    path("mcp-servers/<uuid:pk>/", McpServerDetail.as_view(), name="mcp-server"),
    path("mcp-servers/<uuid:pk>/test/", McpServerTest.as_view(), name="mcp-server-test"),
    path("mcp-servers/<uuid:pk>/refresh/", McpServerRefresh.as_view(), name="mcp-server-refresh"),
    path("mcp-servers/<uuid:pk>/tools/<str:key>/", McpToolDetail.as_view(), name="mcp-tool"),
    path("tools/", ToolList.as_view(), name="tools"),
    path("tools/grants/", GrantList.as_view(), name="tool-grants"),
    path("tools/grants/<uuid:pk>/", GrantDetail.as_view(), name="tool-grant"),
    path("tools/<str:key>/", ToolDetail.as_view(), name="tool"),
    path("tools/<str:key>/call/", TryTool.as_view(), name="tool-call"),
    path("tool-calls/", ToolCallList.as_view(), name="tool-calls"),
    path("tool-calls/<uuid:pk>/", ToolCallDetail.as_view(), name="tool-call-detail"),
]
