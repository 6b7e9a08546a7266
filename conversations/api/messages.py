"""The messages of a conversation: list, say, delete."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import authenticate_request, user_of
from conversations.api.chat import RESPONSES, answer
from conversations.api.shapes import ChatIn, MessageOut, message_out
from conversations.models import Message
from conversations.services.conversations import delete_message, message_for
from conversations.services.turns import ConversationNotFound, conversation_for
from core.api import AsyncAPIView, parsed
from core.database import database
from core.errors import Conflict
from core.idempotency import KEY
from core.listing import ListSchema, Page, ShapeList
from core.pagination import InTurn


class OtherConversation(Conflict):
    code = "other_conversation"
    message = "The body names another conversation than the address."


class MessageList(ShapeList):
    """The messages of one conversation, oldest first."""

    pagination_class = InTurn
    filter_backends = ()
    shown = staticmethod(message_out)

    def get_queryset(self) -> Any:
        user = user_of(self.request)
        conversation = conversation_for(user, self.kwargs["pk"])
        return Message.objects.visible_to(user).filter(conversation=conversation)


class ConversationMessages(AsyncAPIView):
    """GET lists the messages; POST sends one, in the three modes of the chat."""

    schema, filter_backends, pagination_class = ListSchema(), (), InTurn

    @extend_schema("messages_list", responses=Page[MessageOut])
    async def get(self, request: HttpRequest, pk: str) -> HttpResponseBase:
        return await database.run(_listed, request, pk)

    @extend_schema(request=ChatIn, parameters=[KEY], responses=RESPONSES)
    async def post(self, request: HttpRequest, pk: str) -> HttpResponseBase:
        user = await authenticate_request(request)
        body = await parsed(ChatIn, request)
        conversation = _id(pk)
        if body.conversation not in (None, conversation):
            raise OtherConversation
        return await answer(request, user, body, conversation)


class MessageDetail(GenericAPIView[Message]):
    @extend_schema(responses=MessageOut)
    def get(self, request: Request, pk: str, message: str) -> Response:
        return Response(message_out(message_for(user_of(request), pk, message)).to_json())

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: str, message: str) -> Response:
        user = user_of(request)
        delete_message(message_for(user, pk, message), by=user)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _id(pk: str) -> UUID:
    try:
        return UUID(pk)
    except ValueError as error:
        raise ConversationNotFound from error


def _listed(request: HttpRequest, pk: str) -> HttpResponseBase:
    response = MessageList.as_view()(request, pk=pk)
    return response.render()
