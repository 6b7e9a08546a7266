"""Rows behind figures that no other list has: conversations by their numbers, messages, ratings."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models.functions import Left
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.generics import ListAPIView

from accounts.authentication import user_of
from accounts.models import User
from analytics.api.definitions import ENDED, node_calls
from analytics.models import ReplyRating
from conversations.models import Conversation, Message
from core.listing import ListFilter, Page, ShapeList
from core.shapes import Shape
from core.spans import After, Before, MadeAfter, MadeBefore
from core.week import OfTheWeek
from llms.api.calls import ModelCallFilter, ModelCallOut
from llms.models import ModelCall
from workflows.totals import totals_json

_SHOWN = 80  # characters of a message


class TalkFilter(ListFilter):
    user = filters.UUIDFilter(field_name="owner_id")
    created_after, created_before = After("created_at"), Before("created_at")

    class Meta:
        model = Conversation
        fields: tuple[str, ...] = ()


class TalkRow(Shape):
    """How long a conversation is, and what it cost; only its owner sees its `title`."""

    id: UUID
    user: UUID
    title: str | None
    message_count: int
    total_tokens: int
    cost: str | None
    exactness: str
    created_at: datetime
    updated_at: datetime


def talk_out(talk: Conversation, reader: User) -> TalkRow:
    totals = totals_json(vars(talk))
    return TalkRow(
        id=talk.id,
        user=talk.owner_id,
        title=talk.title if talk.owner_id == reader.pk else None,
        message_count=talk.message_count,
        total_tokens=totals["total_tokens"],
        cost=totals["cost"],
        exactness=totals["exactness"],
        created_at=talk.created_at,
        updated_at=talk.updated_at,
    )


@extend_schema_view(get=extend_schema("analytics_talk_rows", responses=Page[TalkRow]))
class TalkRows(ShapeList):
    """Conversations that figures count, newest first: your own; staff see the numbers of all."""

    filterset_class = TalkFilter
    queryset = Conversation.objects.none()

    def shown(self, talk: Conversation) -> TalkRow:
        return talk_out(talk, user_of(self.request))

    def get_queryset(self) -> Any:
        return Conversation.objects.counted_for(user_of(self.request)).for_list()


class SentFilter(OfTheWeek, ListFilter):
    happened_at = "created_at"

    user = filters.UUIDFilter(field_name="conversation__owner_id")
    created_after, created_before = MadeAfter("created_at"), MadeBefore("created_at")

    class Meta:
        model = Message
        fields = ("conversation",)


class SentRow(Shape):
    """A message that somebody sent, and the `execution` that was to answer it.

    `begins` is its beginning, at most 80 characters; only its sender sees it.
    """

    id: UUID
    user: UUID
    conversation: UUID
    execution: UUID | None
    begins: str | None
    created_at: datetime


def sent_rows(reader: User) -> Any:
    """The messages that `sent_row` takes, of those whose numbers one sees."""
    rows = Message.objects.sent().counted_for(reader).select_related("conversation__owner")
    return rows.annotate(begins=Left("text", _SHOWN)).defer("text")


def sent_row(message: Any, reader: User) -> SentRow:
    owner = message.conversation.owner_id
    return SentRow(
        id=message.id,
        user=owner,
        conversation=message.conversation_id,
        execution=message.execution_id,
        begins=message.begins if owner == reader.pk else None,
        created_at=message.created_at,
    )


@extend_schema_view(get=extend_schema("analytics_message_rows", responses=Page[SentRow]))
class SentRows(ShapeList):
    """The messages that people sent, newest first: your own; staff see when all were sent, but not
    what they say.
    """

    filterset_class = SentFilter
    queryset = Message.objects.none()

    def shown(self, message: Message) -> SentRow:
        return sent_row(message, user_of(self.request))

    def get_queryset(self) -> Any:
        return sent_rows(user_of(self.request))


class RatingFilter(ListFilter):
    user = filters.UUIDFilter(field_name="user_id")
    version = filters.UUIDFilter(field_name="version_id")
    created_after, created_before = After("created_at"), Before("created_at")

    class Meta:
        model = ReplyRating
        fields = ("helpful", "template", "definition")


class RatingRow(Shape):
    """A rating of a reply of this `execution`."""

    id: UUID
    user: UUID
    execution: UUID | None
    template: UUID | None
    definition: UUID | None
    version: UUID | None
    helpful: bool
    comment: str
    created_at: datetime


def rating_row(rating: Any) -> RatingRow:
    """From a row of `for_list()`."""
    return RatingRow(
        id=rating.id,
        user=rating.user_id,
        execution=rating.execution_id,
        template=rating.template_id,
        definition=rating.definition_id,
        version=rating.version_id,
        helpful=rating.helpful,
        comment=rating.comment,
        created_at=rating.created_at,
    )


@extend_schema_view(get=extend_schema("analytics_rating_rows", responses=Page[RatingRow]))
class RatingRows(ShapeList):
    """Ratings of replies, newest first: your own; staff see all."""

    filterset_class = RatingFilter
    queryset = ReplyRating.objects.none()
    shown = staticmethod(rating_row)

    def get_queryset(self) -> Any:
        return ReplyRating.objects.visible_to(user_of(self.request)).for_list()


_OF_NODE = [
    *(OpenApiParameter(name, OpenApiTypes.DATETIME, description="Of the runs.") for name in ENDED),
    OpenApiParameter("within", str, description="A node, with all that it runs."),
]


@extend_schema_view(get=extend_schema("analytics_definition_calls", parameters=_OF_NODE))
class DefinitionCallRows(ListAPIView[ModelCall]):
    """The model calls that the analytics of a definition count, newest first: in the runs that
    ended in a time, the newest 500 of them.
    """

    serializer_class = ModelCallOut
    filterset_class = ModelCallFilter
    asks = (*ENDED, "within")
    queryset = ModelCall.objects.none()

    def get_queryset(self) -> Any:
        reader, query = user_of(self.request), self.request.query_params
        return node_calls(reader, self.kwargs["pk"], query).for_list()
