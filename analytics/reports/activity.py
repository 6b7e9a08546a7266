"""What one user does: when, with which workflows, and what came of it."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Max

from accounts.models import User
from analytics.reports.export import Table, table_of
from analytics.reports.numbers import ExecutionNumbers
from analytics.reports.reading import one_instant
from analytics.reports.report import GroupOut, StepOut, groups, report
from analytics.reports.report_request import ReportRequest
from analytics.reports.week import ended_in
from core.shapes import Shape
from workflows.models import Rerun, WorkflowExecution


class UsedOut(GroupOut[ExecutionNumbers]):
    """A template or a workflow; `last_used_at` is when the last that ended in the time did."""

    last_used_at: datetime | None


class ActivityOut(Shape):
    """Executions of one user that ended in the time, as in the report of executions.

    `active_hours` counts them by the hour in which they ended: Monday to Sunday, each from midnight
    in the zone. Templates and definitions are in the order of what was done with them, most first;
    where the period before is compared, those too that were used only in it.
    """

    user: UUID
    username: str
    start: str
    end: str
    until: str
    zone: str
    step: str
    rows: str
    totals: ExecutionNumbers
    previous: ExecutionNumbers | None
    previous_start: str | None
    previous_until: str | None
    previous_rows: str | None
    series: list[StepOut[ExecutionNumbers]]
    active_hours: list[list[int]]
    templates: list[UsedOut]
    definitions: list[UsedOut]


_SAME = (
    *("start", "end", "until", "zone", "step", "rows", "totals", "series"),
    *("previous", "previous_start", "previous_until", "previous_rows"),
)


@one_instant()
def activity(asked: ReportRequest) -> dict[str, Any]:
    """Of the one user that the report is of, as JSON of the shape of ActivityOut."""
    whose = asked.wanted.whose
    told = report(asked)
    return {
        "user": whose,
        "username": User.objects.get(pk=whose).username,
        **{name: told[name] for name in _SAME},
        "active_hours": ended_in(asked.span, whose),
        "templates": _used(asked, "template"),
        "definitions": _used(asked, "definition"),
    }


@one_instant()
def activity_table(asked: ReportRequest) -> Table:
    """A line for each step in which something ended, then one for each template, then one for each
    workflow in a step.

    `by` says of which kind a line is, and is empty for what was done in all. All of it is as of one
    instant.
    """
    tables = {by: table_of(replace(asked, by=by)) for by in ("", "template", "definition")}
    lines = ({"by": by, **line} for by, table in tables.items() for line in table.lines)
    return Table("activity", {"by": str, **tables[""].columns}, lines)


def _used(asked: ReportRequest, by: str) -> list[dict[str, Any]]:
    ended = WorkflowExecution.objects.filter(
        user_id=asked.wanted.whose,
        finished_at__gte=asked.span.starts_at,
        finished_at__lt=asked.span.until,
    ).exclude(rerun=Rerun.REPLAY)
    last = {
        str(key): asked.span.in_zone(at)
        for key, at in ended.order_by().values_list(f"{by}_id").annotate(Max("finished_at"))
    }
    return [
        {**group, "last_used_at": last.get(group["key"])} for group in groups(replace(asked, by=by))
    ]
