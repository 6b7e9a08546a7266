"""Which time a report is about: whole hours of UTC, cut into hours or into days of a time zone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from analytics.models import Grain
from core import clock
from core.errors import Invalid
from core.spans import zone_of

RANGES = {
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "90d": timedelta(days=90),
    "1y": timedelta(days=366),
}
USUAL = "7d"
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_LONGEST = timedelta(days=5 * 366)
_LONGEST_BY_HOUR = timedelta(days=92)  # 2,208 steps; five years would have 43,800
_HOURLY = timedelta(days=3)
_YEARS = range(1970, 3000)  # so that what is reckoned from an instant is one, too


class BadSpan(Invalid):
    code = "bad_span"
    message = "{reason}"


@dataclass(frozen=True, slots=True)
class Span:
    """From `starts_at` to before `ends_at`, both whole hours; `step` is what a series counts by.

    `until` is how far it is counted: no further than now, and in the period before no further than
    in this one, which may be some minutes past the hours that are whole.
    """

    starts_at: datetime
    ends_at: datetime
    until: datetime
    zone: ZoneInfo
    step: Grain

    @classmethod
    def of(cls, asked: Mapping[str, str]) -> Self:
        """Read `range`, or `from` and `to` (dates of the zone, or instants); `zone`, `step`.

        A range of hours goes back at least so long, from the end of this hour; one of days is so
        many days of the zone, today's the last of them. Raises BadSpan.
        """
        now, zone = clock.now(), _zone(asked.get("zone") or "UTC")
        if asked.get("from") or asked.get("to"):
            starts_at = _instant(asked.get("from", ""), zone)
            ends_at = _instant(asked["to"], zone) if asked.get("to") else _hour(now) + _HOUR
        else:
            starts_at, ends_at = _back_from(now, asked.get("range") or USUAL, zone)
        starts_at, ends_at = _hour(starts_at), _hour(ends_at + _HOUR - timedelta.resolution)
        if not timedelta() < ends_at - starts_at <= _LONGEST:
            raise BadSpan(reason="The end is after the beginning, and at most 5 years after it.")
        usual = Grain.HOUR if ends_at - starts_at <= _HOURLY else Grain.DAY
        step = asked.get("step") or usual
        if step not in Grain.values:
            raise BadSpan(reason="'step' is hour or day.")
        if step == Grain.HOUR and ends_at - starts_at > _LONGEST_BY_HOUR:
            raise BadSpan(reason="By hour, the end is at most 92 days after the beginning.")
        until = max(starts_at, min(ends_at, now))
        return cls(starts_at, ends_at, until, zone, Grain(step))

    @property
    def hours(self) -> float:
        """How many of it have passed."""
        return (self.until - self.starts_at) / _HOUR

    @property
    def before(self) -> "Span":
        """The period right before it, as far as this one has come."""
        length = self.ends_at - self.starts_at
        until = self.until - length
        return Span(self.starts_at - length, _hour(until), until, self.zone, self.step)

    @property
    def rest(self) -> tuple[datetime, datetime] | None:
        """The part of an hour that is counted behind the whole ones."""
        return (self.ends_at, self.until) if self.ends_at < self.until else None

    @property
    def hourly(self) -> "Span":
        return replace(self, step=Grain.HOUR)

    @property
    def parts(self) -> Iterator[tuple[Grain, datetime, datetime]]:
        """The grains to read for it: whole days of UTC as days, what is left of them as hours."""
        first = _midnight(self.starts_at + _DAY - timedelta.resolution)
        last = _midnight(self.ends_at)
        if first >= last:
            yield Grain.HOUR, self.starts_at, self.ends_at
            return
        if self.starts_at < first:
            yield Grain.HOUR, self.starts_at, first
        yield Grain.DAY, first, last
        if last < self.ends_at:
            yield Grain.HOUR, last, self.ends_at

    @property
    def series_parts(self) -> Iterator[tuple[Grain, datetime, datetime]]:
        """The same, so that no bucket lies in two steps: days only where steps are days of UTC."""
        if self.step is Grain.DAY and self.zone.key == "UTC":
            yield from self.parts
        else:
            yield Grain.HOUR, self.starts_at, self.ends_at

    def step_of(self, at: datetime) -> datetime:
        """The beginning of the step that an instant lies in."""
        return self._day(at) if self.step is Grain.DAY else at

    @property
    def steps(self) -> list[datetime]:
        """The beginnings of all steps, in order."""
        found, at = [], self.starts_at
        while at < self.ends_at:
            found.append(self.step_of(at))
            at = self._next(at)
        return found

    def step_from(self, at: datetime) -> datetime:
        """Where counting begins of the step that begins at `at`."""
        return max(self.starts_at, _begins(at))

    def step_until(self, at: datetime) -> datetime:
        """How far the step that begins at `at` is counted."""
        return max(at, min(self._next(at), self.until))

    def step_hours(self, at: datetime) -> float:
        """How many have passed of the step that begins at `at`, and lie in the span."""
        return max((self.step_until(at) - max(at, self.starts_at)) / _HOUR, 0.0)

    def told(self, at: datetime) -> str:
        """An instant as the zone's clocks show it."""
        return at.astimezone(self.zone).isoformat()

    def _day(self, at: datetime) -> datetime:
        """UTC all the same: clocks that are set back show two hours alike."""
        return _midnight(at.astimezone(self.zone)).astimezone(UTC)

    def _next(self, at: datetime) -> datetime:
        if self.step is Grain.HOUR:
            return at + _HOUR
        return _begins(_midnight(at.astimezone(self.zone) + _DAY))


def _zone(name: str) -> ZoneInfo:
    try:
        return zone_of(name)
    except ValueError:
        raise BadSpan(reason="'zone' is the name of a time zone, as Europe/Paris.") from None


def _back_from(now: datetime, name: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    if name not in RANGES:
        raise BadSpan(reason=f"'range' is one of {', '.join(RANGES)}.")
    ends_at, length = _hour(now) + _HOUR, RANGES[name]
    starts_at = _hour(now - length)
    if length > _HOURLY:
        starts_at = _begins(_midnight(starts_at.astimezone(zone) + _DAY))
    return starts_at, ends_at


def _instant(text: str, zone: ZoneInfo) -> datetime:
    try:
        if len(text) == len("2026-01-31"):
            found = _begins(datetime.combine(date.fromisoformat(text), time(), zone))
        else:
            at = datetime.fromisoformat(text)
            found = (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadSpan(reason="'from' and 'to' are dates or instants, as 2026-01-31.") from None
    if found.year not in _YEARS:
        raise BadSpan(reason="'from' and 'to' lie between the years 1970 and 3000.")
    return found


def _hour(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _begins(day: datetime) -> datetime:
    """The first hour of UTC that begins in a day: of some zones, half an hour after midnight."""
    return _hour(day.astimezone(UTC) + _HOUR - timedelta.resolution)


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
