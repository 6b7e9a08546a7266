"""Ratings of replies, given by whoever asked for the reply."""

from datetime import datetime
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from pydantic import Field
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import user_of
from analytics.models import ReplyRating
from analytics.services.ratings import rate_reply, rating_of, unrate
from conversations.services.conversations import message_for
from conversations.services.turns import conversation_for
from core.api import parse
from core.listing import Page, ShapeList
from core.shapes import Shape
from workflows.api.inputs import Body, Text


class ReplyRatingIn(Body):
    """The new rating."""

    helpful: bool = Field(strict=True)
    comment: Text = Field(default="", max_length=2_000)


class ReplyRatingOut(Shape):
    message: UUID
    helpful: bool
    comment: str
    updated_at: datetime


def rating_out(rating: ReplyRating) -> ReplyRatingOut:
    return ReplyRatingOut(
        message=rating.message_id,
        helpful=rating.helpful,
        comment=rating.comment,
        updated_at=rating.updated_at,
    )


class ReplyRatingDetail(GenericAPIView[ReplyRating]):
    """One per user and reply; they add up in the analytics of the template."""

    queryset = ReplyRating.objects.none()

    @extend_schema(responses=ReplyRatingOut)
    def get(self, request: Request, pk: str, message: str) -> Response:
        user = user_of(request)
        ratings = message_for(user, pk, message).ratings.all()
        return Response(rating_out(rating_of(ratings, user)).to_json())

    @extend_schema(request=ReplyRatingIn, responses={200: ReplyRatingOut, 201: ReplyRatingOut})
    def put(self, request: Request, pk: str, message: str) -> Response:
        user = user_of(request)
        reply = message_for(user, pk, message)
        rating, created = rate_reply(reply, by=user, **parse(ReplyRatingIn, request).model_dump())
        return Response(rating_out(rating).to_json(), status=201 if created else 200)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: str, message: str) -> Response:
        user = user_of(request)
        unrate(message_for(user, pk, message).ratings.all(), by=user)
        return Response(status=204)


class ReplyRatingList(ShapeList):
    """Your ratings in a conversation, newest first."""

    filter_backends = ()
    shown = staticmethod(rating_out)

    @extend_schema("reply_ratings_list", responses=Page[ReplyRatingOut])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> Any:
        user = user_of(self.request)
        conversation = conversation_for(user, self.kwargs["pk"])
        return ReplyRating.objects.filter(message__conversation=conversation, user=user)
