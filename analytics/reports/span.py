"""Which time a report is about: whole hours of a time zone, cut into its hours or its days."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from analytics.models import Grain
from analytics.reports.clocks import DAY, HOUR, begin_of, day_after, day_of, hour_after, hour_of
from analytics.reports.cuts import Cut
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
_LONGEST = timedelta(days=5 * 366)
_LONGEST_BY_HOUR = timedelta(days=92)  # 2,208 steps; five years would have 43,800
_HOURLY = timedelta(days=3)
_YEARS = range(1970, 3000)  # so that what is reckoned from an instant is one, too


class BadSpan(Invalid):
    code = "bad_span"
    message = "{reason}"


@dataclass(frozen=True, slots=True)
class Span:
    """From `starts_at` to before `ends_at`, whole hours of the zone; a series counts by `step`.

    `until` is how far it is counted: no further than now, and in the period before, which ends
    there, no further than in this one. `as_of` is when it was asked for: what has become known of
    it since does not count. `in_days`: it begins with a day and was asked for by days.
    """

    starts_at: datetime
    ends_at: datetime
    until: datetime
    zone: ZoneInfo
    step: Grain
    in_days: bool
    as_of: datetime

    @classmethod
    def of(cls, asked: Mapping[str, str]) -> Self:
        """Read `range`, or `from` and `to` (dates of the zone, or instants); `zone`, `step`.

        A range of hours goes back at least so long, from the end of this hour; one of days is so
        many days of the zone, today's the last of them. Raises BadSpan.
        """
        now, zone = clock.now(), _zone(asked.get("zone") or "UTC")
        if asked.get("from") or asked.get("to"):
            starts_at = _instant(asked.get("from", ""), zone)
            ends_at = _instant(asked["to"], zone) if asked.get("to") else hour_after(now, zone)
            in_days = _is_date(asked.get("from", ""))
        else:
            name = asked.get("range") or USUAL
            starts_at, ends_at = _back_from(now, name, zone)
            in_days = RANGES[name] > _HOURLY
        starts_at = hour_of(starts_at, zone)
        ends_at = hour_after(ends_at - timedelta.resolution, zone)
        if not timedelta() < ends_at - starts_at <= _LONGEST:
            raise BadSpan(reason="The end is after the beginning, and at most 5 years after it.")
        usual = Grain.HOUR if ends_at - starts_at <= _HOURLY else Grain.DAY
        step = asked.get("step") or usual
        if step not in Grain.values:
            raise BadSpan(reason="'step' is hour or day.")
        if step == Grain.HOUR and ends_at - starts_at > _LONGEST_BY_HOUR:
            raise BadSpan(reason="By hour, the end is at most 92 days after the beginning.")
        return cls(starts_at, ends_at, ends_at, zone, Grain(step), in_days, now).seen_at(now)

    def seen_at(self, at: datetime) -> Self:
        """The same as it is at this instant."""
        return replace(self, until=max(self.starts_at, min(self.ends_at, at)), as_of=at)

    @property
    def hours(self) -> float:
        """How many of it have passed."""
        return (self.until - self.starts_at) / HOUR

    @property
    def before(self) -> "Span":
        """The period before it, as far as this one has come: of as many days, the last of them to
        the same time of day; of hours, of as much time.
        """
        starts_at, until = self._back(self.starts_at), self._back(self.until)
        return replace(self, starts_at=starts_at, ends_at=until, until=until)

    @property
    def hourly(self) -> "Span":
        return replace(self, step=Grain.HOUR)

    @property
    def uncut(self) -> Cut:
        """All of it, as one time."""
        return Cut([self.starts_at], [self.starts_at], self.ends_at, self.until)

    @property
    def cut(self) -> Cut:
        """The same, cut into its steps."""
        steps = self.steps
        return Cut(steps, [self.starts_at, *steps[1:]], self.ends_at, self.until)

    @property
    def steps(self) -> list[datetime]:
        """The beginnings of all steps, in order; the first may begin before the span."""
        begins = hour_of if self.step is Grain.HOUR else day_of
        found = [begins(self.starts_at, self.zone)]
        while (at := self._next(found[-1])) < self.ends_at:
            found.append(at)
        return found

    def step_from(self, at: datetime) -> datetime:
        """Where counting begins of the step that begins at `at`."""
        return max(self.starts_at, at)

    def step_until(self, at: datetime) -> datetime:
        """How far the step that begins at `at` is counted."""
        return max(self.step_from(at), min(self._next(at), self.until))

    def step_hours(self, at: datetime) -> float:
        """How many have passed of the step that begins at `at`, and lie in the span."""
        return (self.step_until(at) - self.step_from(at)) / HOUR

    def in_zone(self, at: datetime) -> str:
        """An instant as the zone's clocks show it."""
        return at.astimezone(self.zone).isoformat()

    def _back(self, at: datetime) -> datetime:
        """The same instant of the period before."""
        if not self.in_days:
            return at - (self.ends_at - self.starts_at)
        first, last = (
            one.astimezone(self.zone).date()
            for one in (self.starts_at, self.ends_at - timedelta.resolution)
        )
        days, shown = last - first + DAY, at.astimezone(self.zone).replace(fold=0)
        if at == day_of(at, self.zone):
            return begin_of(shown.date() - days, self.zone)
        return (shown - days).astimezone(UTC)

    def _next(self, at: datetime) -> datetime:
        after = hour_after if self.step is Grain.HOUR else day_after
        return after(at, self.zone)


def _zone(name: str) -> ZoneInfo:
    try:
        return zone_of(name)
    except ValueError:
        raise BadSpan(reason="'zone' is the name of a time zone, as Europe/Paris.") from None


def _back_from(now: datetime, name: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    if name not in RANGES:
        raise BadSpan(reason=f"'range' is one of {', '.join(RANGES)}.")
    ends_at, length = hour_after(now, zone), RANGES[name]
    if length <= _HOURLY:
        return hour_of(now - length, zone), ends_at
    today = now.astimezone(zone).date()
    return begin_of(today + timedelta(days=1) - length, zone), ends_at


def _is_date(text: str) -> bool:
    return len(text) == len("2026-01-31")


def _instant(text: str, zone: ZoneInfo) -> datetime:
    try:
        if _is_date(text):
            found = begin_of(date.fromisoformat(text), zone)
        else:
            at = datetime.fromisoformat(text)
            found = (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadSpan(reason="'from' and 'to' are dates or instants, as 2026-01-31.") from None
    if found.year not in _YEARS:
        raise BadSpan(reason="'from' and 'to' lie between the years 1970 and 3000.")
    return found
