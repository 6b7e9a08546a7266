"""The log of a conversation, live."""

from django.http import HttpRequest, HttpResponseBase
from drf_spectacular.utils import extend_schema

from workflows.api.streaming import LAST, STREAM, ChannelEvents


class ConversationEvents(ChannelEvents):
    """First `subscribed` with the conversation, then the events of its executions."""

    channel = "conversation"

    @extend_schema("conversation_events", parameters=LAST, responses=STREAM)
    async def get(self, request: HttpRequest, pk: str = "") -> HttpResponseBase:
        return await super().get(request, pk)
