"""Days and months as a time zone has them (pure)."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

DAY, MONTH, TOTAL = "day", "month", "total"
_SINCE_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_SURELY_NEXT_MONTH = timedelta(days=32)


class Span(NamedTuple):
    """From an instant up to another, which is not in it; None: without an end."""

    begins_at: datetime
    ends_at: datetime | None


def span_at(period: str, time_zone: str, at: datetime) -> Span:
    """The period that an instant lies in. Days of 23 or 25 hours are as long as they are."""
    if period == TOTAL:
        return Span(_SINCE_EVER, None)
    zone = ZoneInfo(time_zone)
    there = at.astimezone(zone)
    first = datetime(there.year, there.month, there.day if period == DAY else 1, tzinfo=zone)
    if period == DAY:
        after = first + timedelta(days=1)
    else:
        after = (first + _SURELY_NEXT_MONTH).replace(day=1)
    return Span(first.astimezone(UTC), after.astimezone(UTC))
