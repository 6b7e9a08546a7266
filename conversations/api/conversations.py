"""Conversations: list, begin empty, rename, archive, delete."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import user_of
from conversations.api.shapes import ConversationIn, ConversationOut, conversation_out
from conversations.models import Conversation
from conversations.services.conversations import (
    change_conversation,
    create_conversation,
    delete_conversation,
)
from conversations.services.turns import conversation_for
from core.api import parse
from core.listing import ListFilter, Page, ShapeList


class ConversationFilter(ListFilter):
    class Meta:
        model = Conversation
        fields = ["archived"]


@extend_schema_view(get=extend_schema("conversations_list", responses=Page[ConversationOut]))
class ConversationList(ShapeList):
    """Your conversations, newest first."""

    filterset_class = ConversationFilter
    queryset = Conversation.objects.none()
    shown = staticmethod(conversation_out)

    def get_queryset(self) -> Any:
        return Conversation.objects.visible_to(user_of(self.request)).for_list()

    @extend_schema(request=ConversationIn, responses={201: ConversationOut})
    def post(self, request: Request) -> Response:
        body = parse(ConversationIn, request)
        made = create_conversation(owner=user_of(request), title=body.title or "")
        return Response(conversation_out(made).to_json(), status=status.HTTP_201_CREATED)


class ConversationDetail(GenericAPIView[Conversation]):
    @extend_schema(responses=ConversationOut)
    def get(self, request: Request, pk: str) -> Response:
        return Response(conversation_out(conversation_for(user_of(request), pk)).to_json())

    @extend_schema(request=ConversationIn, responses=ConversationOut)
    def patch(self, request: Request, pk: str) -> Response:
        conversation = conversation_for(user_of(request), pk)
        changes = parse(ConversationIn, request).model_dump(exclude_none=True)
        changed = change_conversation(conversation, by=user_of(request), **changes)
        return Response(conversation_out(changed).to_json())

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: str) -> Response:
        delete_conversation(conversation_for(user_of(request), pk), by=user_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)
