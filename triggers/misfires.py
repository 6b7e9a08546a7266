"""What is to be done with fire times at which nobody was there (pure)."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice, takewhile

from triggers.timing import Timing

MOST_TOLD = 200
_MOMENT = timedelta(microseconds=1)


class Misfire(StrEnum):
    """Fire times that are late by more than the grace: none runs, one for all, or each."""

    SKIP = "skip"
    ONCE = "once"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Passed:
    """A fire time that is not run; with `until`, all from the one to the other."""

    at: datetime
    status: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What is committed at once: those passed over, the one that runs, and what is due then."""

    passed: list[Passed]
    fire_at: datetime | None
    next_at: datetime | None


def missed(timing: Timing, due_at: datetime, now: datetime) -> list[Passed]:
    """All that has been due since `due_at` and up to `now`, when none of it is to run."""
    if due_at > now:
        return []
    late, _ = _passed(timing, due_at, now, "missed")
    return [Passed(due_at, "missed"), *late]


def next_step(
    timing: Timing, due_at: datetime, now: datetime, misfire: Misfire, grace: timedelta
) -> Step:
    """The first thing to do at `now` for a schedule that has been due since `due_at` <= `now`.

    More than MOST_TOLD late times that do not run are told as one stretch.
    """
    late_before = now - grace
    if misfire == Misfire.ALL or due_at >= late_before:
        return Step([], due_at, timing.next(due_at))
    if misfire == Misfire.ONCE:
        passed, following = _passed(timing, due_at, now, "skipped")
        return Step(passed, due_at, following)
    late, following = _passed(timing, due_at, late_before - _MOMENT, "missed")
    passed = [Passed(due_at, "missed"), *late]
    if following is not None and following <= now:
        return Step(passed, following, timing.next(following))
    return Step(passed, None, following)


def _passed(
    timing: Timing, after: datetime, until: datetime, status: str
) -> tuple[list[Passed], datetime | None]:
    """The fire times after one instant and not after another, and the first behind them."""
    due = takewhile(lambda at: at <= until, timing.after(after))
    told = [Passed(at, status) for at in islice(due, MOST_TOLD + 1)]
    if len(told) > MOST_TOLD:
        told[-1] = replace(told[-1], until=until)
        return told, timing.next(until)
    return told, timing.next(told[-1].at if told else after)
