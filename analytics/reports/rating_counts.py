"""How replies were rated, counted by what gave them."""

from collections import defaultdict
from typing import NamedTuple

from django.db.models import Count, QuerySet

from analytics.models import ReplyRating
from analytics.reports.span import Span

_COLUMNS = {
    "": (),
    "template": ("template_id",),
    "definition": ("definition_id",),
    "version": ("definition_id", "version_id"),
    "user": ("user_id",),
}
RATED_BY = frozenset(_COLUMNS)


class RatingCounts(NamedTuple):
    """How many rated replies helped, and how many did not."""

    helpful: int = 0
    unhelpful: int = 0

    @property
    def satisfaction(self) -> float | None:
        """The share of those that helped; nothing where none was rated."""
        rated = sum(self)
        return round(self.helpful / rated, 4) if rated else None


def rating_counts(ratings: QuerySet[ReplyRating], by: str = "") -> dict[str, RatingCounts]:
    """By the keys of a report's groups; without `by`, under the one key ""."""
    counted: dict[str, dict[bool, int]] = defaultdict(dict)
    rows = ratings.order_by().values_list(*_COLUMNS[by], "helpful").annotate(Count("pk"))
    for *names, helpful, count in rows:
        if None not in names:
            counted[":".join(map(str, names))][helpful] = count
    return {
        key: RatingCounts(found.get(True, 0), found.get(False, 0)) for key, found in counted.items()
    }


def rating_counts_in(span: Span, whose: str, by: str = "") -> dict[str, RatingCounts]:
    """The same for the ratings given in the span."""
    return rating_counts(ratings_in(span, whose), by)


def ratings_in(span: Span, whose: str) -> QuerySet[ReplyRating]:
    """Ratings given in the span by one user, or (empty) by everyone."""
    ratings = ReplyRating.objects.filter(created_at__gte=span.starts_at, created_at__lt=span.until)
    return ratings.filter(user_id=whose) if whose else ratings
