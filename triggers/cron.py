"""Cron expressions in a time zone, right over every change of its clocks (pure).

As cron does it (and as people expect): an expression whose minute or hour begins with `*` is about
time that passes, so it runs at each instant whose local time it names, twice where an hour comes
twice, never in an hour that is left out. Any other is about a time of day: it runs once a day, at
the first of two equal times, and where its time is left out, as soon as the clocks have gone on.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import CroniterError, croniter

MOST_CHARACTERS = 100
_FIELDS = 5
_NAMED = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec"
_DAYS = "sun mon tue wed thu fri sat"
# Numbers, names of months and days, and signs; not croniter's random and hashed fields.
_FIELD = re.compile(r"(?:[0-9*/,#-]|L|[a-z]{3}(?![a-z]))+", re.IGNORECASE)
# What names stand for, by the place of their field.
_NUMBERS = {
    3: {name: str(at) for at, name in enumerate(_MONTHS.split(), start=1)},
    4: {name: str(at) for at, name in enumerate(_DAYS.split())},
}
_NAME = re.compile(r"(?<![/#])[a-z]{3}", re.IGNORECASE)  # no step and no number of a week is one
# A range from a value to the same is that value; croniter takes it for the whole cycle.
_ONE = re.compile(r"(?<![\w#-])0*(\w+)-0*\1(?:/[1-9]\d*)?(?![\w/#-])", re.IGNORECASE)
_DAY = timedelta(days=1)


class BadCron(ValueError):
    """It is no cron expression, or names a time that never comes; the text says which."""


class UnknownZone(ValueError):
    """No time zone of this name is known."""

    def __init__(self, name: str) -> None:
        super().__init__(f"'{name[:64]}' is not the name of a time zone.")


@lru_cache(maxsize=1024)
def check_cron(expression: str) -> str:
    """The expression in five fields. Raises BadCron."""
    plain = " ".join(_NAMED.get(expression.strip().lower(), expression).split())
    fields = plain.split(" ")
    if len(plain) > MOST_CHARACTERS or len(fields) != _FIELDS:
        raise BadCron("A cron expression has five fields: minute, hour, day, month, weekday.")
    if not all(map(_FIELD.fullmatch, fields)):
        raise BadCron("A field of a cron expression has numbers, names, and the signs * , - / # L.")
    plain = _ONE.sub(r"\1", " ".join(_numbered(at, field) for at, field in enumerate(fields)))
    try:
        next(_local_times(plain, datetime(2000, 1, 1)))  # noqa: DTZ001 - local, as all of these
    except (CroniterError, ValueError, KeyError, IndexError, TypeError) as error:
        raise BadCron(f"This is no cron expression, or its time never comes: {error}") from error
    return plain


def _numbered(place: int, field: str) -> str:
    """With the numbers of the names that belong there."""
    numbers = _NUMBERS.get(place, {})
    return _NAME.sub(lambda found: numbers.get(found[0].lower(), found[0]), field)


def zone(name: str) -> ZoneInfo:
    """The time zone of this IANA name. Raises UnknownZone."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UnknownZone(name) from error


def check_zone(name: str) -> None:
    """Raises UnknownZone, also for what is no name of IANA's: `localtime` and `posixrules` differ
    from host to host, and the zones in `right/` count leap seconds.
    """
    if not name[:1].isupper():
        raise UnknownZone(name)
    zone(name)


def cron_times(expression: str, where: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """Every instant after this one at which it is time, in UTC; `expression` has been checked."""
    minute, hour = check_cron(expression).split(" ")[:2]
    passing = minute.startswith("*") or hour.startswith("*")
    times = _of_passing_time if passing else _of_the_day
    return times(check_cron(expression), where, after.astimezone(UTC))


def _of_the_day(expression: str, where: ZoneInfo, after: datetime) -> Iterator[datetime]:
    for local in _local_times(expression, _local(after, where)):
        at = _instant(local, where)
        if at > after:
            yield at
            after = at  # several times that are left out are one


def _of_passing_time(expression: str, where: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """Between two changes of the clocks local time is but an offset away."""
    while True:
        offset = _offset(after, where)
        for local in _local_times(expression, _local(after, where)):
            at = (local - offset).replace(tzinfo=UTC)
            if (change := _change_between(after, at, where)) is not None:
                after = change - timedelta(minutes=1)
                if _local_now(change, where, expression):
                    yield change
                after = change
                break
            yield at
            after = at


def _local_now(at: datetime, where: ZoneInfo, expression: str) -> bool:
    """Whether the local time of this very instant is one that is named."""
    local = _local(at, where)
    return next(_local_times(expression, local - timedelta(minutes=1))) == local


def _change_between(after: datetime, until: datetime, where: ZoneInfo) -> datetime | None:
    """When the clocks change first after one instant and not after another."""
    offset, low = _offset(after, where), after
    while low < until:
        high = min(low + _DAY, until)
        if _offset(high, where) != offset:
            return _halved(low, high, where)
        low = high
    return None


def _halved(low: datetime, high: datetime, where: ZoneInfo) -> datetime:
    """The first instant, to the second, of another offset than at `low`."""
    offset = _offset(low, where)
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        low, high = (middle, high) if _offset(middle, where) == offset else (low, middle)
    return high.replace(microsecond=0)


def _instant(local: datetime, where: ZoneInfo) -> datetime:
    """The first instant of this local time, or the end of the gap that swallowed it."""
    at = local.replace(tzinfo=where, fold=0).astimezone(UTC)
    if _local(at, where) == local:
        return at
    earlier = local.replace(tzinfo=where, fold=1).astimezone(UTC)
    return _change_between(earlier - timedelta(seconds=1), at, where) or at


def _local_times(expression: str, after: datetime) -> Iterator[datetime]:
    """Times on the wall after this one, as if no clock were ever changed."""
    times = croniter(expression, after, ret_type=datetime)
    while True:
        yield times.get_next()


def _local(at: datetime, where: ZoneInfo) -> datetime:
    return at.astimezone(where).replace(tzinfo=None, fold=0)


def _offset(at: datetime, where: ZoneInfo) -> timedelta:
    return at.astimezone(where).utcoffset() or timedelta()
