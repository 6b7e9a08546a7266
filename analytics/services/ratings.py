"""What people think of templates: given, changed, taken back."""

from django.db import transaction

from accounts.models import User
from analytics.aggregates import of_ratings
from analytics.models import Rating
from core.errors import NotFound
from workflows.models import WorkflowTemplate


class RatingNotFound(NotFound):
    code = "rating_not_found"
    message = "You have not rated this template."


@transaction.atomic
def rate_template(
    template: WorkflowTemplate, *, by: User, stars: int, comment: str = ""
) -> tuple[Rating, bool]:
    """The one rating of this user, and whether it is new; what is kept of it changes with it."""
    given = {"stars": stars, "comment": comment}
    rating, created = Rating.objects.select_for_update().get_or_create(
        template=template, user=by, defaults=given
    )
    if not created:
        of_ratings.add_group([vars(rating)], sign=-1)
        rating.stars, rating.comment = stars, comment
        rating.save(update_fields=["stars", "comment", "updated_at"])
        of_ratings.add_group([vars(rating)])
    return rating, created


def rating_of(template: WorkflowTemplate, user: User) -> Rating:
    """What this user thinks of it. Raises RatingNotFound."""
    rating = Rating.objects.filter(template=template, user=user).first()
    if rating is None:
        raise RatingNotFound
    return rating


@transaction.atomic
def unrate_template(template: WorkflowTemplate, *, by: User) -> None:
    """Take it back; of two at once only one does. Raises RatingNotFound."""
    rating = Rating.objects.select_for_update().filter(template=template, user=by).first()
    if rating is None:
        raise RatingNotFound
    rating.delete()
