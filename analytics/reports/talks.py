"""How people talk: conversations begun, their lengths, when there is work, what was said of it."""

from django.db.models import Avg, Count, Max, Sum

from analytics.reports import reading
from analytics.reports.reading import SUBJECTS, Wanted
from analytics.reports.said import Said, said_in
from analytics.reports.span import Span
from conversations.models import Conversation
from core.shapes import Shape

_DAYS, _HOURS = 7, 24
_ENDS = 3  # completed, failed, cancelled: the first of the sums of executions


class TalksOut(Shape):
    """Conversations that began in the time, as long as they are by now.

    `active_hours` counts executions by the hour in which they ended: Monday to Sunday, each from
    midnight in the zone. `satisfaction` is the share of helpful ones among the ratings of replies
    given in the time, null where none was given.
    """

    start: str
    end: str
    zone: str
    of: str
    conversations: int
    messages: int
    mean_messages: float | None
    most_messages: int | None
    helpful: int
    unhelpful: int
    satisfaction: float | None
    active_hours: list[list[int]]


def talks(span: Span, whose: str) -> TalksOut:
    """Of one user, or (empty) of all; numbers alone, nobody's words."""
    within = {"created_at__gte": span.starts_at, "created_at__lt": span.ends_at}
    owner = {"owner_id": whose} if whose else {}
    counted = Conversation.objects.filter(**within, **owner).aggregate(
        begun=Count("pk"),
        messages=Sum("message_count"),
        mean=Avg("message_count"),
        most=Max("message_count"),
    )
    said = said_in(span, whose).get("", Said())
    return TalksOut(
        start=span.told(span.starts_at),
        end=span.told(span.ends_at),
        zone=span.zone.key,
        of=whose or "all",
        conversations=counted["begun"],
        messages=counted["messages"] or 0,
        mean_messages=None if counted["mean"] is None else round(float(counted["mean"]), 1),
        most_messages=counted["most"],
        helpful=said.helpful,
        unhelpful=said.unhelpful,
        satisfaction=said.satisfaction,
        active_hours=_active_hours(span, whose),
    )


def _active_hours(span: Span, whose: str) -> list[list[int]]:
    counts = [[0] * _HOURS for _ in range(_DAYS)]
    wanted = Wanted(SUBJECTS["executions"], whose=whose)
    for (at, _), tally in reading.table(wanted, span.hourly).items():
        here = at.astimezone(span.zone)
        counts[here.weekday()][here.hour] += sum(tally.sums[:_ENDS])
    return counts
