"""How people talk: conversations begun, their lengths, busy hours and ratings."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, QuerySet, Sum

from accounts.models import User
from analytics.reports.columns import TIMES, Line, columns_of
from analytics.reports.cuts import Cut
from analytics.reports.export import Table
from analytics.reports.rating_counts import RatingCounts, rating_counts_in, ratings_in
from analytics.reports.rows import message_rows, rating_rows, talk_rows
from analytics.reports.span import Span
from analytics.reports.week import Week, no_hours
from conversations.models import Conversation, Message
from core.shapes import Shape
from core.spans import second
from core.week import in_week

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
    `previous_rating_rows` list those of the period before. `active_hours` counts the messages that
    people sent in the time by the hour in which they did, also in conversations that began earlier:
    Monday to Sunday, each from midnight in the zone; `message_rows` lists these.
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
    message_rows: str
    active_hours: list[list[int]]


def talks(span: Span, whose: str, reader: User, *, compare: bool = False) -> TalksOut:
    """Of one user, or (empty) of all; numbers alone, nobody's words."""
    time, before = (span.starts_at, span.until), (span.before.starts_at, span.before.until)
    return TalksOut(
        start=span.in_zone(span.starts_at),
        end=span.in_zone(span.ends_at),
        until=span.in_zone(span.until),
        zone=span.zone.key,
        of=whose or "all",
        previous=_of(span.before, whose) if compare else None,
        rows=talk_rows(*time, whose, reader),
        rating_rows=rating_rows(*time, whose, reader),
        previous_rows=talk_rows(*before, whose, reader) if compare else None,
        previous_rating_rows=rating_rows(*before, whose, reader) if compare else None,
        message_rows=message_rows(*time, whose, reader),
        active_hours=_active_hours(span, whose),
        **_of(span, whose).to_json(),
    )


def talks_table(span: Span, whose: str) -> Table:
    """A line for each step, those too in which nobody talked."""
    return Table("conversations", {**TIMES, **columns_of(TalkNumbers)}, _lines(span, whose))


def _active_hours(span: Span, whose: str) -> Week:
    """Messages that people sent."""
    owner: dict[str, Any] = {"conversation__owner": whose} if whose else {}
    sent = Message.objects.sent().filter(**_within(span), **owner).order_by()
    week = sent.annotate(**in_week("created_at", span.zone)).values_list("weekday", "hour")
    counts = no_hours()
    for weekday, hour, count in week.annotate(Count("pk")):
        counts[weekday - 1][hour] = count
    return counts


def _of(span: Span, whose: str) -> TalkNumbers:
    found = _begun(span, whose).aggregate(**_COUNTED)
    return _numbers(tuple(found.values()), rating_counts_in(span, whose).get("", RatingCounts()))


def _lines(span: Span, whose: str) -> Iterator[Line]:
    cut = span.cut
    lengths = _by_step(cut, _begun(span, whose), "message_count")
    counts = _by_step(cut, ratings_in(span, whose), "helpful")
    for at in cut.names:
        helpful = sum(counts[at])
        begun = (len(lengths[at]), sum(lengths[at]), max(lengths[at], default=None))
        numbers = _numbers(begun, RatingCounts(helpful, len(counts[at]) - helpful))
        yield {
            "at": span.in_zone(at),
            "until": span.in_zone(span.step_until(at)),
            **numbers.to_json(),
        }


def _begun(span: Span, whose: str) -> QuerySet[Conversation]:
    owner: dict[str, Any] = {"owner_id": whose} if whose else {}
    return Conversation.objects.filter(**_within(span), **owner)


def _within(span: Span) -> dict[str, datetime]:
    return {"created_at__gte": span.starts_at, "created_at__lt": span.until}


def _by_step(cut: Cut, rows: QuerySet[Any], column: str) -> Mapping[datetime, list[int]]:
    """The values of a column by the step in which their rows were made."""
    found: dict[datetime, list[int]] = defaultdict(list)
    for at, value in rows.order_by().values_list(second("created_at"), column).iterator():
        found[cut.name_of(at)].append(value)
    return found


def _numbers(begun: Sequence[Any], counts: RatingCounts) -> TalkNumbers:
    count, messages, most = begun
    return TalkNumbers(
        conversations=count,
        messages=messages or 0,
        mean_messages=round(messages / count, 1) if count else None,
        most_messages=most,
        helpful=counts.helpful,
        unhelpful=counts.unhelpful,
        satisfaction=counts.satisfaction,
    )
