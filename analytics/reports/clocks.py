"""The hours and days that the clocks of a time zone show, as instants of UTC.

Where clocks are set an hour ends, too: one that is shown twice is two, and some are shorter.
"""

from bisect import bisect_left
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def hour_of(at: datetime, zone: ZoneInfo) -> datetime:
    """The beginning of the hour that an instant lies in."""
    begins = at - _past_the_hour(at, zone)
    return _set_between(begins, at, zone) or begins


def hour_after(at: datetime, zone: ZoneInfo) -> datetime:
    """The end of it."""
    ends = at - _past_the_hour(at, zone) + HOUR
    return _set_between(at, ends, zone) or ends


def day_of(at: datetime, zone: ZoneInfo) -> datetime:
    """The beginning of the day that an instant lies in."""
    ends = day_after(at, zone)
    return ends if ends <= at else begin_of(_date(at, zone), zone)


def day_after(at: datetime, zone: ZoneInfo) -> datetime:
    """When the day begins that follows what the clocks show."""
    return begin_of(_date(at, zone) + DAY, zone)


def begin_of(day: date, zone: ZoneInfo) -> datetime:
    """When the clocks first show a date, or, where they leap over it, what comes after it."""
    midnight = datetime.combine(day, time(), zone)
    begins = midnight.astimezone(UTC)
    shown = begins.astimezone(zone)
    skipped = shown.replace(tzinfo=None) - midnight.replace(tzinfo=None)
    return _set_between(begins - skipped, begins, zone) or begins


def _date(at: datetime, zone: ZoneInfo) -> date:
    return at.astimezone(zone).date()


def _past_the_hour(at: datetime, zone: ZoneInfo) -> timedelta:
    here = at.astimezone(zone)
    return timedelta(minutes=here.minute, seconds=here.second, microseconds=here.microsecond)


def _set_between(first: datetime, last: datetime, zone: ZoneInfo) -> datetime | None:
    """When clocks are set, after the one and no later than the other: at a whole second."""
    before = first.astimezone(zone).utcoffset()
    if last.astimezone(zone).utcoffset() == before:
        return None
    seconds = range(int(first.timestamp()), int(last.timestamp()) + 1)

    def is_set(second: int) -> bool:
        return datetime.fromtimestamp(second, zone).utcoffset() != before

    return datetime.fromtimestamp(seconds[bisect_left(seconds, True, key=is_set)], UTC)
