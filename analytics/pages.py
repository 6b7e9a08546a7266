"""The pages of analytics: the reports of the API, with charts; every figure is in a table, too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.authentication import user_of
from accounts.models import User
from analytics.api.definitions import last_of, nodes_request
from analytics.figures import Cell, Figure, Numbers, cells, with_previous
from analytics.reports.activity import activity
from analytics.reports.export import FORMATS
from analytics.reports.nodes import nodes_report
from analytics.reports.reading import SUBJECTS, one_instant
from analytics.reports.report import report
from analytics.reports.report_request import read_report_request, whose_of
from analytics.reports.rows import narrowed, page_of
from analytics.reports.span import RANGES, USUAL, Span
from analytics.reports.talks import talks
from analytics.sheets import ACTIVITY, RATED, RUNS, SATISFACTION, SHEETS, TALKS
from analytics.system import system_now
from analytics.tables import groups_table, nodes_table, steps_table, used_table
from core.errors import ChatterError, NotFound
from core.spans import zone_names
from workflows.services.definitions import definition_for

_KEPT = ("range", "from", "to", "zone", "step", "of", "by", "key", "last")
_DATES = ("from", "to", "zone")
_COMPARED = {"compare": "true"}
_OF_ALL_RUNS = {"last": ""}
_UNGROUPED = _OF_ALL_RUNS | {"by": "", "key": ""}
_OF_ONE = _UNGROUPED | {"of": ""}
_OF_NODES = {"by": "", "key": "", "of": "", "step": ""}
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, slots=True)
class Choice:
    label: str
    address: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Hour:
    count: int
    shade: int
    address: str


@never_cache
@login_required
@require_GET
def subject_page(request: HttpRequest, subject: str = "executions") -> HttpResponse:
    """One report; what cannot be understood is told, and the usual is shown in its place."""
    user, problem, query = user_of(request), None, request.GET.dict()
    if subject not in SUBJECTS:
        raise Http404
    try:
        asked = read_report_request(SUBJECTS[subject], query | _COMPARED, user)
    except NotFound as error:
        raise Http404 from error
    except ChatterError as error:
        problem, query = error, {}
        asked = read_report_request(SUBJECTS[subject], _COMPARED, user)
    with one_instant() as at:
        asked = asked.seen_at(at)
        shown = report(asked)
    by, of_all = SUBJECTS[subject].by, SHEETS[subject]
    of_groups = of_all.within(asked.by)
    sheet = of_groups if asked.group else of_all
    frame = _frame(request, query, user)
    context = {
        "subject": subject,
        "report": shown,
        "sheet": sheet,
        "page": page_of(shown["rows"], asked.wanted.whose),
        "tiles": _tiles(sheet.tiles, shown["totals"], shown, asked.wanted.whose),
        "tables": [groups_table(asked, shown, of_groups, frame["asked"])] if asked.by else [],
        "steps": steps_table(asked, shown, sheet),
        "problem": problem,
        "groupings": [
            _choice(request, one, {"by": one, "key": ""}, query.get("by", "") == one)
            for one in ("", *(one for one in by if one != "user" or user.is_staff))
        ],
        "exports": _exports(f"analytics/{subject}", query | _OF_ALL_RUNS),
        "api": f"/api/v1/analytics/{subject}/?{_kept(query, _OF_ALL_RUNS)}",
        **frame,
    }
    return render(request, "analytics/report.html", context, status=400 if problem else 200)


@never_cache
@login_required
@require_GET
def talks_page(request: HttpRequest) -> HttpResponse:
    """How people talk, and when."""
    user, problem, query = user_of(request), None, request.GET.dict()
    try:
        span, whose = Span.of(query), whose_of(query.get("of", "me"), user)
    except NotFound as error:
        raise Http404 from error
    except ChatterError as error:
        problem, query = error, {}
        span, whose = Span.of(query), whose_of("me", user)
    shown = talks(span, whose, user, compare=True).to_json()
    context = {
        "report": shown,
        "tiles": [
            *_tiles(TALKS, shown, shown, whose),
            *_tiles(RATED, shown, shown, whose, "rating_rows"),
        ],
        "problem": problem,
        "exports": _exports("analytics/conversations", query | _UNGROUPED),
        "api": f"/api/v1/analytics/conversations/?{_kept(query, _UNGROUPED)}",
        **_hours(shown, page_of(shown["message_rows"], whose)),
        **_frame(request, query, user),
    }
    return render(request, "analytics/conversations.html", context, status=400 if problem else 200)


@never_cache
@login_required
@require_GET
def user_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What one does oneself; for staff, what any user does."""
    user, problem, query = user_of(request), None, request.GET.dict()
    alone = _UNGROUPED | _COMPARED | {"of": str(pk)}
    try:
        asked = read_report_request(SUBJECTS["executions"], query | alone, user)
    except NotFound as error:
        raise Http404 from error
    except ChatterError as error:
        problem, query = error, {}
        asked = read_report_request(SUBJECTS["executions"], alone, user)
    with one_instant() as at:
        asked = asked.seen_at(at)
        shown, whose = activity(asked), asked.wanted.whose
    page = page_of(shown["rows"], whose)
    context = {
        "report": shown,
        "sheet": ACTIVITY,
        "page": page,
        "tiles": _tiles(ACTIVITY.tiles, shown["totals"], shown, whose),
        "tables": [
            used_table("Templates", shown["templates"], ACTIVITY, whose),
            used_table("Workflows", shown["definitions"], ACTIVITY, whose),
        ],
        "steps": steps_table(asked, shown, ACTIVITY),
        "problem": problem,
        "exports": _exports(f"analytics/users/{pk}", query | _OF_ONE),
        "api": f"/api/v1/analytics/users/{pk}/?{_kept(query, _OF_ONE)}",
        **_hours(shown, page),
        **_frame(request, query, user),
        "scopes": [],
    }
    return render(request, "analytics/user.html", context, status=400 if problem else 200)


@never_cache
@login_required
@require_GET
def definition_page(request: HttpRequest, pk: str) -> HttpResponse:
    """How one workflow and its nodes are doing: reckoned from the newest runs of a time."""
    user, problem, query = user_of(request), None, request.GET.dict()
    try:
        definition = definition_for(user, pk)
    except NotFound as error:
        raise Http404 from error
    try:
        asked, last = nodes_request(definition, query | _COMPARED, user), last_of(query)
    except ChatterError as error:
        problem, query = error, {}
        asked, last = nodes_request(definition, _COMPARED, user), last_of(query)
    with one_instant() as at:
        shown = nodes_report(definition, asked.seen_at(at), last).to_json()
    whose, alone = "" if user.is_staff else str(user.pk), query | _OF_NODES
    address = f"definitions/{definition.pk}/analytics"
    context = {
        "definition": definition,
        "report": shown,
        "page": page_of(shown["rows"], whose),
        "tiles": [
            *_tiles(RUNS, shown, shown, whose),
            *_tiles([SATISFACTION], shown, shown, whose, "rating_rows"),
        ],
        "tables": [nodes_table(shown, whose)],
        "problem": problem,
        "windows": [
            _choice(request, f"last {one}", {"last": str(one)}, one == last)
            for one in (10, 100, 500)
        ],
        "exports": _exports(address, alone),
        "api": f"/api/v1/{address}/?{_kept(alone, {})}",
        **_frame(request, query, user),
        "scopes": [],
    }
    return render(request, "analytics/definition.html", context, status=400 if problem else 200)


@never_cache
@login_required
@require_GET
def live_page(request: HttpRequest) -> HttpResponse:
    """For staff: what runs now, as it runs, and how the installation is doing."""
    user = user_of(request)
    if not user.is_staff:
        raise Http404
    context = {"system": system_now(), **_frame(request, {}, user)}
    return render(request, "analytics/live.html", context)


def _frame(request: HttpRequest, query: dict[str, str], user: User) -> dict[str, Any]:
    """What all these pages have: which report, which time, whose."""
    dated = query.get("from") or query.get("to")
    chosen = "" if dated else query.get("range") or USUAL
    of = query.get("of", "me")
    asked = request.GET.dict()
    return {
        "ranges": [
            _choice(request, one, {"range": one, "from": "", "to": ""}, one == chosen)
            for one in RANGES
        ],
        "dates": {name: asked.get(name, "") for name in _DATES},
        "besides": {name: asked[name] for name in _KEPT if name not in _DATES and asked.get(name)},
        "zones": sorted(zone_names()),
        "scopes": [
            _choice(request, label, {"of": one, "key": ""}, one == of)
            for label, one in (("mine", "me"), ("everyone's", "all"))
        ]
        if user.is_staff
        else [],
        "asked": _kept(query, _UNGROUPED),
    }


def _exports(report: str, query: dict[str, str]) -> list[Choice]:
    address = f"/api/v1/{report}/export/"
    return [Choice(one.upper(), f"{address}?{_kept(query, {'as': one})}", False) for one in FORMATS]


def _choice(request: HttpRequest, label: str, change: dict[str, str], chosen: bool) -> Choice:
    return Choice(label, f"?{_kept(request.GET.dict(), change)}", chosen)


def _kept(query: dict[str, str], change: dict[str, str]) -> str:
    kept = {name: query.get(name, "") for name in _KEPT} | change
    return urlencode({name: value for name, value in kept.items() if value})


def _tiles(
    figures: Sequence[Figure], now: Numbers, report: Numbers, whose: str, rows: str = "rows"
) -> list[Cell]:
    """Figures beside those of the period before; `rows` is what the report calls their list."""
    before, rows_before = report["previous"], report[f"previous_{rows}"]
    return with_previous(
        cells(figures, now, page_of(report[rows], whose)),
        cells(figures, before, page_of(rows_before, whose)),
    )


def _hours(report: Mapping[str, Any], page: str) -> dict[str, Any]:
    """A table of the hours of a week, the busier the darker; `page` lists all that they count."""
    counts, zone = report["active_hours"], report["zone"]
    most = max(map(max, counts))
    hours = [
        (
            WEEKDAYS[day],
            [
                Hour(
                    count,
                    _shade(count, most),
                    narrowed(page, {"weekday": day + 1, "hour": hour, "zone": zone}),
                )
                for hour, count in enumerate(row)
            ],
        )
        for day, row in enumerate(counts)
    ]
    return {"hours": hours, "clock": range(24)}


def _shade(count: int, most: int) -> int:
    """From 0 (none) to 5 (most)."""
    return -(-5 * count // most) if most else 0
