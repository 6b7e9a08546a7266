"""Fill this database with N executions unless it has them, and time what dashboards ask of it.

`python -m bench.insight_of N`.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from statistics import median
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatter_project.settings")
django.setup()

from django.db import connection  # noqa: E402 - Django first

from accounts.models import User  # noqa: E402
from analytics.models import ExecutionRollup  # noqa: E402
from analytics.reports import reading  # noqa: E402
from analytics.reports.numbers import numbers_of  # noqa: E402
from analytics.reports.span import Span  # noqa: E402
from analytics.rollups.facts import EXECUTIONS  # noqa: E402
from analytics.rollups.histogram import percentile  # noqa: E402
from analytics.rollups.recount import rebuild  # noqa: E402
from analytics.rollups.tallies import Spread  # noqa: E402
from bench.synthetic import DAYS, START, fill, settle  # noqa: E402
from core.garbage import leave_what_is_loaded  # noqa: E402
from workflows.models import WorkflowExecution  # noqa: E402

_ROUNDS = 15
_END = START + timedelta(days=DAYS - 1)
MONTH = Span.of({"from": (_END - timedelta(days=30)).isoformat(), "to": _END.isoformat()})
YEAR = Span.of({"from": START.isoformat(), "to": _END.isoformat()})
_SUMS = "count(*), sum(duration_ms), sum(input_tokens), sum(cost_nano_usd)"
_P95 = ", percentile_disc(0.95) WITHIN GROUP (ORDER BY duration_ms)"


def main() -> None:
    count = int(sys.argv[1])
    missing = WorkflowExecution.objects.count() < count
    began = time.monotonic()
    if missing:
        fill(count)
    filled = time.monotonic()
    if missing:
        rebuild(EXECUTIONS)
        settle()
    built = time.monotonic()
    leave_what_is_loaded()
    told = {
        "fill_s": round(filled - began),
        "rebuild_s": round(built - filled),
        "rollup_rows": ExecutionRollup.objects.count(),
        "queries": _queries(),
    }
    print(json.dumps(told))


def _queries() -> dict[str, dict[str, float]]:
    executions = reading.SUBJECTS["executions"]
    everyone = reading.Wanted(executions)
    templates = reading.Wanted(executions, by="template")
    one = reading.Wanted(executions, whose=str(User.objects.get(username="user7").pk))
    day = "date_trunc('day', finished_at)" if _postgres() else "date(finished_at)"
    asked: dict[str, tuple[Callable[[], Any], Span, str, str]] = {
        "totals of 30 days": (lambda: _total(everyone, MONTH), MONTH, "", ""),
        "days of 30 days": (lambda: _series(everyone, MONTH), MONTH, day, ""),
        "templates of 30 days with p95": (
            lambda: _groups(templates, MONTH),
            MONTH,
            "template_id",
            "",
        ),
        "days × templates of 30 days with p95": (
            lambda: _table(templates, MONTH),
            MONTH,
            f"template_id, {day}",
            "",
        ),
        "the same with every number of an export": (
            lambda: _export(templates, MONTH),
            MONTH,
            f"template_id, {day}",
            "",
        ),
        "totals of a year": (lambda: _total(everyone, YEAR), YEAR, "", ""),
        "templates of a year with p95": (lambda: _groups(templates, YEAR), YEAR, "template_id", ""),
        "totals of one user, a year": (lambda: _total(one, YEAR), YEAR, "", one.whose),
    }
    return {
        name: {"rollup_ms": _took_ms(ask, _ROUNDS), "raw_ms": _took_ms(_raw(span, by, whose), 1)}
        for name, (ask, span, by, whose) in asked.items()
    }


def _total(wanted: reading.Wanted, span: Span) -> Any:
    return numbers_of(ExecutionRollup, reading.total(wanted, span), span.hours).to_json()


def _series(wanted: reading.Wanted, span: Span) -> Any:
    found = reading.series(wanted, span)
    return [numbers_of(ExecutionRollup, tally, 24).to_json() for _, tally in found]


def _groups(wanted: reading.Wanted, span: Span) -> Any:
    found = reading.groups(wanted, span).values()
    return [numbers_of(ExecutionRollup, tally, span.hours).to_json() for tally in found]


def _table(wanted: reading.Wanted, span: Span) -> Any:
    """What the raw query tells, too: the sums, and one percentile."""
    found = reading.table(wanted, span).values()
    return [(tally.sums, _p95(tally.spreads[0])) for tally in found]


def _p95(spread: Spread) -> int | None:
    return percentile(spread.histogram, 0.95, spread.count)


def _export(wanted: reading.Wanted, span: Span) -> Any:
    found = reading.table(wanted, span).values()
    return [numbers_of(ExecutionRollup, tally, 24).to_json() for tally in found]


def _raw(span: Span, by: str, whose: str) -> Callable[[], Any]:
    table = "workflows_workflowexecution"
    numbers = _SUMS + (_P95 if _postgres() else "")
    user = "AND user_id = %s" if whose else ""
    sql = (
        f"SELECT {by + ', ' if by else ''}{numbers} FROM {table} "  # noqa: S608 - our own text
        f"WHERE finished_at >= %s AND finished_at < %s {user} {'GROUP BY ' + by if by else ''}"
    )
    times = [span.starts_at, span.ends_at]
    if not _postgres():
        times = [at.replace(tzinfo=None).isoformat(" ") for at in times]
        whose = whose.replace("-", "")

    def ask() -> Any:
        with connection.cursor() as cursor:
            cursor.execute(sql, [*times, *([whose] if whose else [])])
            return cursor.fetchall()

    return ask


def _took_ms(ask: Callable[[], Any], rounds: int) -> float:
    ask()
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        ask()
        times.append(time.perf_counter() - began)
    return median(times) * 1000


def _postgres() -> bool:
    return connection.vendor == "postgresql"


if __name__ == "__main__":
    main()
