"""A report: totals, the period before, step by step, and group by group."""

from dataclasses import replace
from typing import Any, Generic, TypeVar

from analytics.reports import reading
from analytics.reports.labels import labels
from analytics.reports.numbers import ExecutionNumbers, ModelNumbers, ToolNumbers, numbers_of
from analytics.reports.rating_counts import RatingCounts, rating_counts_in
from analytics.reports.report_request import ReportRequest
from analytics.reports.rows import rating_rows, rows_url
from analytics.rollups.tallies import Tally
from core.shapes import Shape

N = TypeVar("N", bound=Shape)


class StepOut(Shape, Generic[N]):
    """From `at` to before `until`, which is no later than now; `rows` lists what was counted."""

    at: str
    until: str
    rows: str
    numbers: N

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        return f"{params[0].__name__}Step"


class GroupOut(Shape, Generic[N]):
    """`rows` is where the API lists what was counted; `previous` is of the period before, and
    `previous_rows` lists what it counts (null: nothing).

    `ratings` are those given in the time, by whom the report is of: to replies of a template,
    workflow or version, or by a user; `rating_rows` lists them (null: the report tells of none).
    `satisfaction` is the share of them that helped (null: none).
    """

    key: str
    label: str
    rows: str
    numbers: N
    previous: N | None
    previous_rows: str | None
    ratings: int
    rating_rows: str | None
    satisfaction: float | None

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        return f"{params[0].__name__}Group"


class RollupReport(Shape, Generic[N]):
    """Of the time from `start` to before `end`; both are whole hours. Steps are in the zone's time.

    What has not passed of it is not counted: `until` is the end or, where that is to come, now.
    `previous` is of the period before, from `previous_start` to before `previous_until`: of as many
    days to the same time of day, or of as many hours, as far as this one has come, to the second;
    `previous_rows` lists what it counts. All four are null where nothing is compared.
    `groups` are in the order of what happened in them, most first: those too that were only rated
    or, where the period before is compared, that there were only in it.
    """

    start: str
    end: str
    until: str
    zone: str
    step: str
    of: str
    by: str
    rows: str
    totals: N
    previous: N | None
    previous_start: str | None
    previous_until: str | None
    previous_rows: str | None
    series: list[StepOut[N]]
    groups: list[GroupOut[N]]

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        return f"{params[0].__name__}Report"


REPORTS: dict[str, Any] = {
    "executions": RollupReport[ExecutionNumbers],
    "models": RollupReport[ModelNumbers],
    "tools": RollupReport[ToolNumbers],
}


@reading.one_instant()
def report(asked: ReportRequest) -> dict[str, Any]:
    """The report as JSON, of the shape that REPORTS names; all of it as of one instant."""
    span, whole = asked.span, asked.whole
    before = span.before if asked.compared else None
    return {
        "start": span.in_zone(span.starts_at),
        "end": span.in_zone(span.ends_at),
        "until": span.in_zone(span.until),
        "zone": span.zone.key,
        "step": span.step,
        "of": asked.wanted.whose or "all",
        "by": asked.by,
        "rows": rows_url(asked, whole, span.starts_at, span.until),
        "totals": _numbers_of(reading.total(whole, span), asked, span.hours),
        "previous": before and _numbers_of(reading.total(whole, before), asked, before.hours),
        "previous_start": before and span.in_zone(before.starts_at),
        "previous_until": before and span.in_zone(before.until),
        "previous_rows": before and rows_url(asked, whole, before.starts_at, before.until),
        "series": [
            {
                "at": span.in_zone(at),
                "until": span.in_zone(span.step_until(at)),
                "rows": rows_url(asked, whole, span.step_from(at), span.step_until(at)),
                "numbers": _numbers_of(tally, asked, span.step_hours(at)),
            }
            for at, tally in reading.series(whole, span)
        ],
        "groups": groups(asked) if asked.by else [],
    }


def groups(asked: ReportRequest) -> list[dict[str, Any]]:
    """Each group of what `by` names as JSON, most first.

    Those too in which nothing but ratings was, or that there were only in the period before.
    """
    wanted, span = replace(asked.wanted, by=asked.by, key=asked.group), asked.span
    found = reading.groups(wanted, span)
    before = reading.groups(wanted, span.before) if asked.compared else {}
    counts = rating_counts_in(span, wanted.whose, asked.by) if asked.rated else {}
    rated = {key for key in counts if asked.group in ("", key)}
    keys, nothing = {*found, *before, *rated}, Tally.of_rows(wanted.subject.rollup, [])
    names = labels(asked.by, keys, asked.reader)
    time, time_before = (span.starts_at, span.until), (span.before.starts_at, span.before.until)
    told = {key: _numbers_of(found.get(key, nothing), asked, span.hours) for key in keys}
    count = "executions" if wanted.subject.key == "executions" else "calls"
    busiest = sorted(told, key=lambda key: (-told[key][count], key))
    return [
        {
            "key": key,
            "label": names.get(key, key),
            "rows": rows_url(asked, replace(wanted, key=key), *time),
            "numbers": told[key],
            "previous": _numbers_of(before[key], asked, span.before.hours)
            if key in before
            else None,
            "previous_rows": rows_url(asked, replace(wanted, key=key), *time_before)
            if key in before
            else None,
            "ratings": sum(counts.get(key, RatingCounts())),
            "rating_rows": rating_rows(*time, wanted.whose, asked.reader, asked.by, key)
            if asked.rated
            else None,
            "satisfaction": counts.get(key, RatingCounts()).satisfaction,
        }
        for key in busiest
    ]


def _numbers_of(tally: Tally, asked: ReportRequest, hours: float) -> dict[str, Any]:
    return numbers_of(asked.wanted.subject.rollup, tally, hours).to_json()
