"""A time cut at instants: what of it whole buckets of UTC hold, and which hours are torn."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import pairwise

from analytics.models import Grain
from analytics.reports.clocks import DAY, HOUR
from core.spans import second_text

Time = tuple[datetime, datetime]
Part = tuple[Grain, datetime, datetime]


@dataclass(frozen=True)
class Cut:
    """Consecutive times, each named by the beginning of its step; all end where the last does.

    Instants are of UTC. Of what is past `until` nothing is counted.
    """

    names: Sequence[datetime]
    begins: Sequence[datetime]
    ends_at: datetime
    until: datetime

    @property
    def is_one(self) -> bool:
        return len(self.names) == 1

    def name_at(self, at: datetime) -> datetime:
        """The name of the time that an instant lies in."""
        return self.names[bisect_right(self.begins, at) - 1]

    def name_of(self, second: str) -> datetime:
        """The same of an instant as `second_text` has it."""
        return self.names[bisect_right(self._seconds, second) - 1]

    @property
    def whole(self) -> list[Part]:
        """The buckets that lie in one time, from the first to before the last.

        The hours that are torn may stand among those of hours.
        """
        joined: list[Part] = []
        for grain, starts_at, ends_at in self._whole():
            if joined and joined[-1][0] == grain and starts_at - joined[-1][2] <= HOUR:
                starts_at = joined.pop()[1]
            joined.append((grain, starts_at, ends_at))
        return joined

    @cached_property
    def torn(self) -> list[Time]:
        """What lies in an hour of UTC that is not whole in one time, adjoining pieces as one."""
        joined: list[Time] = []
        for starts_at, ends_at in self._torn():
            if joined and joined[-1][1] == starts_at:
                starts_at = joined.pop()[0]
            joined.append((starts_at, ends_at))
        return joined

    def is_torn(self, hour: datetime) -> bool:
        """Whether what happened in an hour of UTC is in several times, or partly in none."""
        at = bisect_right(self.torn, hour, key=lambda one: _hour(one[0])) - 1
        return at >= 0 and hour < self.torn[at][1]

    @cached_property
    def _seconds(self) -> list[str]:
        return [second_text(at) for at in self.begins]

    @property
    def _times(self) -> Iterator[Time]:
        return pairwise([*self.begins, self.ends_at])

    def _whole(self) -> Iterator[Part]:
        for starts_at, ends_at in self._times:
            first, last = _hour_from(starts_at), _hour(ends_at)
            days = (_day_from(first), _day(last)) if last - first >= DAY else (last, last)
            if days[0] >= days[1]:
                days = (last, last)
            for grain, begin, end in (
                (Grain.HOUR, first, days[0]),
                (Grain.DAY, *days),
                (Grain.HOUR, days[1], last),
            ):
                if begin < end:
                    yield grain, begin, end

    def _torn(self) -> Iterator[Time]:
        for starts_at, ends_at in self._times:
            first, last = _hour_from(starts_at), _hour(ends_at)
            pieces = ((starts_at, first), (last, ends_at)) if first <= last else ()
            for begin, end in pieces or ((starts_at, ends_at),):
                if begin < min(end, self.until):
                    yield begin, min(end, self.until)


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _hour_from(at: datetime) -> datetime:
    return _hour(at + HOUR - at.resolution)


def _day(at: datetime) -> datetime:
    return _hour(at).replace(hour=0)


def _day_from(at: datetime) -> datetime:
    return _day(at + DAY - at.resolution)
