"""What a rated reply came from: kept on its rating, for an execution may go before it."""

from collections.abc import Iterator

from django.db.models import F, Q

from analytics.models import ReplyRating
from core.aggregates import Difference, proof

GAVE_IT = ("template_id", "definition_id", "version_id")


@proof
def rating_differences() -> Iterator[Difference]:
    """Every rating that is not of what gave the reply, as long as its execution says what did."""
    ratings = ReplyRating.objects.filter(message__execution__isnull=False).order_by()
    for name in GAVE_IT:
        gave = f"message__execution__{name}"
        alike = Q(**{name: F(gave)}) | Q(**{f"{name}__isnull": True, f"{gave}__isnull": True})
        wrong = ratings.exclude(pk__in=ratings.filter(alike).values("pk"))
        for pk in wrong.values_list("pk", flat=True).iterator():
            yield Difference(f"analytics.ReplyRating.{name}", pk, 0, 1)
