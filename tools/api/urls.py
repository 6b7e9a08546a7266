"""Routes under /api/v1/."""

from django.urls import path

from tools.api.calls import ToolCallDetail, ToolCallList
from tools.api.tools import ToolList, TryTool

urlpatterns = [
    path("tools/", ToolList.as_view(), name="tools"),
    path("tools/<str:key>/call/", TryTool.as_view(), name="tool-call"),
    path("tool-calls/", ToolCallList.as_view(), name="tool-calls"),
    path("tool-calls/<uuid:pk>/", ToolCallDetail.as_view(), name="tool-call-detail"),
]
