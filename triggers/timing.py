"""When a schedule is due: by cron, every so often, or once (pure)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Literal

from triggers.cron import cron_times, zone

Kind = Literal["cron", "interval", "once"]
_MOMENT = timedelta(microseconds=1)


UNITS = {"days": 86_400, "hours": 3600, "minutes": 60, "seconds": 1}


def in_units(seconds: int) -> tuple[int, str]:
    """So many of the largest unit of which it is a whole number."""
    unit = next(name for name, worth in UNITS.items() if seconds % worth == 0)
    return seconds // UNITS[unit], unit


@dataclass(frozen=True, slots=True)
class Timing:
    """`every_s` counts from `starts_at`; nothing is due before it, or after `ends_at`."""

    kind: Kind
    starts_at: datetime
    ends_at: datetime | None = None
    cron: str = ""
    time_zone: str = "UTC"
    every_s: int = 0
    run_at: datetime | None = None

    def after(self, instant: datetime) -> Iterator[datetime]:
        """Every fire time after this instant, in order, in UTC."""
        instant = max(instant, self.starts_at - _MOMENT)
        for at in self._times(instant):
            if self.ends_at is not None and at > self.ends_at:
                return
            yield at.astimezone(UTC)

    def next(self, instant: datetime) -> datetime | None:
        """The first fire time after this instant."""
        return next(self.after(instant), None)

    def upcoming(self, instant: datetime, count: int = 5) -> list[datetime]:
        """The next few."""
        return list(islice(self.after(instant), count))

    def _times(self, instant: datetime) -> Iterator[datetime]:
        if self.kind == "cron":
            return cron_times(self.cron, zone(self.time_zone), instant)
        if self.kind == "interval":
            return self._steps(instant)
        due = self.run_at is not None and self.run_at > instant
        return iter([self.run_at] if due and self.run_at else [])

    def _steps(self, instant: datetime) -> Iterator[datetime]:
        step = timedelta(seconds=self.every_s)
        at = self.starts_at + step * max((instant - self.starts_at) // step + 1, 0)
        while True:
            yield at
            at += step
