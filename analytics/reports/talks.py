"""How people talk: conversations begun, their lengths, when there is work, what was said of it."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db.models import Count, Max, QuerySet, Sum
from django.db.models.functions import Trunc

from accounts.models import User
from analytics.models import Grain
from analytics.reports import reading
from analytics.reports.export import Line, Table
from analytics.reports.reading import SUBJECTS, Wanted
from analytics.reports.rows import rating_rows, talk_rows
from analytics.reports.said import Said, ratings_in, said_in
from analytics.reports.span import Span
from conversations.models import Conversation
from core.shapes import Shape

_DAYS, _HOURS = 7, 24
_ENDS = 3  # completed, failed, cancelled: the first of the sums of executions
_COUNTED = {"count": Count("pk"), "messages": Sum("message_count"), "most": Max("message_count")}


class TalkNumbers(Shape):
    """Conversations that began in the time, as long as they are by now.

    `satisfaction` is the share of helpful ones among the ratings of replies given in the time, null
    where none was given.
    """

    conversations: int
    messages: int
    mean_messages: float | None
    most_messages: int | None
    helpful: int
    unhelpful: int
    satisfaction: float | None


class TalksOut(TalkNumbers):
    """`previous` is the period before, as far as this one has come; null unless it is asked for.

    `rows` is where the API lists the conversations, `rating_rows` the ratings; `previous_rows` and
    `previous_rating_rows` list those of the period before. `active_hours` counts executions by the
    hour in which they ended: Monday to Sunday, each from midnight in the zone.
    """

    start: str
    end: str
    until: str
    zone: str
    of: str
    previous: TalkNumbers | None
    rows: str
    rating_rows: str
    previous_rows: str | None
    previous_rating_rows: str | None
    active_hours: list[list[int]]


def talks(span: Span, whose: str, reader: User, *, compare: bool = False) -> TalksOut:
    """Of one user, or (empty) of all; numbers alone, nobody's words."""
    time, before = (span.starts_at, span.until), (span.before.starts_at, span.before.until)
    return TalksOut(
        start=span.told(span.starts_at),
        end=span.told(span.ends_at),
        until=span.told(span.until),
        zone=span.zone.key,
        of=whose or "all",
        previous=_of(span.before, whose) if compare else None,
        rows=talk_rows(*time, whose, reader),
        rating_rows=rating_rows(*time, whose, reader),
        previous_rows=talk_rows(*before, whose, reader) if compare else None,
        previous_rating_rows=rating_rows(*before, whose, reader) if compare else None,
        active_hours=active_hours(span, whose),
        **_of(span, whose).to_json(),
    )


def talks_table(span: Span, whose: str) -> Table:
    """A line for each step, those too in which nobody talked."""
    return Table("conversations", ["at", "until", *TalkNumbers.model_fields], _lines(span, whose))


def active_hours(span: Span, whose: str) -> list[list[int]]:
    """Executions by the hour in which they ended: Monday to Sunday, each from midnight."""
    counts = [[0] * _HOURS for _ in range(_DAYS)]
    wanted = Wanted(SUBJECTS["executions"], whose=whose)
    for (at, _), tally in reading.table(wanted, span.hourly).items():
        here = at.astimezone(span.zone)
        counts[here.weekday()][here.hour] += sum(tally.sums[:_ENDS])
    return counts


def _of(span: Span, whose: str) -> TalkNumbers:
    found = _begun(span, whose).aggregate(**_COUNTED)
    return _numbers(tuple(found.values()), said_in(span, whose).get("", Said()))


def _lines(span: Span, whose: str) -> Iterator[Line]:
    steps = _by_step(_begun(span, whose), span).annotate(**_COUNTED)
    begun = {at.astimezone(UTC): counted for at, *counted in steps}
    said: dict[datetime, dict[bool, int]] = defaultdict(dict)
    rated = _by_step(ratings_in(span, whose), span, "helpful").annotate(Count("pk"))
    for at, helpful, count in rated:
        said[at.astimezone(UTC)][helpful] = count
    for at in span.steps:
        of_step = Said(said[at].get(True, 0), said[at].get(False, 0))
        numbers = _numbers(begun.get(at, (0, None, None)), of_step)
        yield {"at": span.told(at), "until": span.told(span.step_until(at)), **numbers.to_json()}


def _begun(span: Span, whose: str) -> QuerySet[Conversation]:
    within = {"created_at__gte": span.starts_at, "created_at__lt": span.until}
    owner: dict[str, Any] = {"owner_id": whose} if whose else {}
    return Conversation.objects.filter(**within, **owner)


def _by_step(rows: QuerySet[Any], span: Span, *columns: str) -> QuerySet[Any, tuple[Any, ...]]:
    """For what is to be counted in each step, and by these columns; its beginning comes first."""
    zone = span.zone if span.step is Grain.DAY else UTC
    steps = rows.order_by().annotate(step=Trunc("created_at", span.step.value, tzinfo=zone))
    return steps.values_list("step", *columns)


def _numbers(begun: Sequence[Any], said: Said) -> TalkNumbers:
    count, messages, most = begun
    return TalkNumbers(
        conversations=count,
        messages=messages or 0,
        mean_messages=round(messages / count, 1) if count else None,
        most_messages=most,
        helpful=said.helpful,
        unhelpful=said.unhelpful,
        satisfaction=said.satisfaction,
    )
