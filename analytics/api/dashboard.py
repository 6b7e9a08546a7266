"""The dashboard's counters, live."""

from django.http import HttpRequest, HttpResponseBase
from drf_spectacular.utils import extend_schema

from workflows.api.streaming import STREAM, ChannelEvents


class DashboardEvents(ChannelEvents):
    """For staff: first `subscribed` with the counters, then `counters` when they change."""

    channel = "dashboard"
    asks = ()

    @extend_schema("dashboard_events", responses=STREAM)
    async def get(self, request: HttpRequest, pk: str = "") -> HttpResponseBase:
        return await super().get(request, pk)
