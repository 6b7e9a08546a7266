"""What people think of templates and replies: given, changed, taken back."""

from typing import Any, TypeVar

from django.db import models, transaction

from accounts.models import User
from analytics.aggregates import of_ratings, of_reply_ratings
from analytics.models import Rating, ReplyRating
from analytics.rated import GAVE_IT
from conversations.models import Conversation, Message, Role
from core.aggregates import AggregateGroup
from core.errors import Conflict, NotFound
from workflows.models import WorkflowTemplate
from workflows.services.targets import TemplateNotFound

R = TypeVar("R", Rating, ReplyRating)


class RatingNotFound(NotFound):
    code = "rating_not_found"
    message = "You have not rated this."


class NotAReply(Conflict):
    code = "not_a_reply"
    message = "Only replies can be rated."


@transaction.atomic
def rate_template(
    template: WorkflowTemplate, *, by: User, stars: int, comment: str = ""
) -> tuple[Rating, bool]:
    """The one rating of this user, and whether it is new; what is kept of it changes with it.

    Raises TemplateNotFound.
    """
    if not _held(WorkflowTemplate.objects.filter(pk=template.pk)):
        raise TemplateNotFound(template=str(template.pk))
    given = {"stars": stars, "comment": comment}
    return _give(Rating, of_ratings, given, template=template, user=by)


@transaction.atomic
def rate_reply(
    reply: Message, *, by: User, helpful: bool, comment: str = ""
) -> tuple[ReplyRating, bool]:
    """The same for a reply; it counts for what gave it. Raises NotAReply, NotFound."""
    if reply.role != Role.ASSISTANT:
        raise NotAReply
    _held(Conversation.objects.filter(pk=reply.conversation_id))  # as by who deletes a message
    if not Message.objects.filter(pk=reply.pk).exists():
        raise NotFound
    given = {"helpful": helpful, "comment": comment}
    given |= {name: reply.execution and getattr(reply.execution, name) for name in GAVE_IT}
    return _give(ReplyRating, of_reply_ratings, given, message=reply, user=by)


def rating_of(ratings: models.QuerySet[R], user: User) -> R:
    """What this user thinks, among the ratings of one thing. Raises RatingNotFound."""
    rating = ratings.filter(user=user).first()
    if rating is None:
        raise RatingNotFound
    return rating


@transaction.atomic
def unrate(ratings: models.QuerySet[R], *, by: User) -> None:
    """Take it back; of two at once only one does. Raises RatingNotFound."""
    rating_of(ratings.select_for_update(), by).delete()


def _held(rows: models.QuerySet[Any]) -> bool:
    """Whether it is there; nobody deletes it before the caller's transaction ends."""
    return rows.select_for_update(no_key=True).values_list("pk").first() is not None


def _give(
    kind: type[R], kept: AggregateGroup, given: dict[str, Any], **whose: Any
) -> tuple[R, bool]:
    ratings = kind._default_manager.select_for_update()
    rating, created = ratings.get_or_create(**whose, defaults=given)
    if not created:
        kept.add_group([vars(rating)], sign=-1)
        for name, value in given.items():
            setattr(rating, name, value)
        rating.save(update_fields=[*given, "updated_at"])
        kept.add_group([vars(rating)])
    return rating, created
