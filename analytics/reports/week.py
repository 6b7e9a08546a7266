"""The hours of a week: Monday to Sunday, each from midnight."""

from analytics.reports import reading
from analytics.reports.reading import SUBJECTS, Wanted
from analytics.reports.span import Span

Week = list[list[int]]
_DAYS, _HOURS = 7, 24
ENDS = 3  # completed, failed, cancelled: the first of the sums of executions


def no_hours() -> Week:
    return [[0] * _HOURS for _ in range(_DAYS)]


def ended_in(span: Span, whose: str) -> Week:
    """How many executions ended in each, as the clocks of the zone showed it."""
    counts = no_hours()
    wanted = Wanted(SUBJECTS["executions"], whose=whose)
    for (at, _), tally in reading.table(wanted, span.hourly).items():
        here = at.astimezone(span.zone)
        counts[here.weekday()][here.hour] += sum(tally.sums[:ENDS])
    return counts
