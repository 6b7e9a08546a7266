"""The tables of the pages: a line for each group, step or node, its figures, and where more is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.html import format_html

from analytics.figures import Cell, Figure, cells
from analytics.reports.report_request import ReportRequest
from analytics.reports.rows import page_of
from analytics.sheets import NODE_CALLS, VISITS, Sheet
from workflows.templatetags.figures import share

Report = Mapping[str, Any]
_PLACES = {
    "definition": ("by node", "analytics-definition"),
    "user": ("activity", "analytics-user"),
}


@dataclass(frozen=True, slots=True)
class Link:
    label: str
    address: str


@dataclass(frozen=True, slots=True)
class Line:
    """`address` is where what it is about is looked at alone."""

    label: str
    cells: Sequence[Cell]
    address: str = ""
    links: Sequence[Link] = ()


@dataclass(frozen=True, slots=True)
class Table:
    key: str
    title: str
    first: str
    lines: Sequence[Line]
    columns: Sequence[str]
    nothing: str = ""
    linked: bool = False

    @property
    def width(self) -> int:
        return 1 + len(self.columns) + self.linked


def steps_table(asked: ReportRequest, report: Report, sheet: Sheet) -> Table:
    """Step by step, each with what happened in it."""
    whose = asked.wanted.whose
    lines = [
        Line(_minute(step["at"]), cells(sheet.steps, step["numbers"], page_of(step["rows"], whose)))
        for step in report["series"]
    ]
    columns = [one.label for one in sheet.steps]
    return Table("steps", "Step by step", "From", lines, columns)


def groups_table(asked: ReportRequest, report: Report, sheet: Sheet, kept: str) -> Table:
    """Each group of a report; `kept` is what else was asked for."""
    by, whose = asked.by, asked.wanted.whose
    lines = [
        Line(
            group["label"],
            _of_group(group, sheet.groups, whose),
            f"?{urlencode({'by': by, 'key': group['key']})}&{kept}",
            [Link("list", page_of(group["rows"], whose)), *_places(by, group, kept)],
        )
        for group in report["groups"]
    ]
    columns = _columns(sheet.groups, rated=asked.rated)
    return Table("groups", f"By {by}", by.capitalize(), lines, columns, sheet.nothing, linked=True)


def used_table(title: str, groups: Iterable[Report], sheet: Sheet, whose: str) -> Table:
    """The templates or workflows that one user ran."""
    lines = []
    for group in groups:
        page = page_of(group["rows"], whose)
        last = Cell("Last", _minute(group["last_used_at"] or "–"), page)
        figures = [*_of_group(group, sheet.groups, whose), last]
        lines.append(Line(group["label"], figures, links=[Link("list", page)]))
    columns = [*_columns(sheet.groups, rated=True), "Last"]
    return Table(title.lower(), title, "Name", lines, columns, sheet.nothing, linked=True)


def nodes_table(report: Report, whose: str) -> Table:
    """The nodes of a workflow. What a visit was is in the log of its run: those list the runs."""
    runs = page_of(report["rows"], whose)
    lines = [
        Line(
            format_html("<code>{}</code>", node["node"]),
            [
                *cells(VISITS, node, runs),
                *cells(NODE_CALLS, node, page_of(node["call_rows"], whose)),
            ],
        )
        for node in report["nodes"]
    ]
    columns = [one.label for one in (*VISITS, *NODE_CALLS)]
    return Table("nodes", "By node", "Node", lines, columns, "No run ended in this time.")


def _of_group(group: Report, figures: Sequence[Figure], whose: str) -> list[Cell]:
    found = cells(figures, group["numbers"], page_of(group["rows"], whose))
    if group["rating_rows"] is None:
        return found
    shown = share(group["satisfaction"], "no data")
    if group["ratings"]:
        shown = format_html('{} <span class="faint">of {}</span>', shown, group["ratings"])
    return [*found, Cell("Helpful", shown, page_of(group["rating_rows"], whose))]


def _columns(figures: Sequence[Figure], *, rated: bool) -> list[str]:
    return [*(one.label for one in figures), *(["Helpful"] if rated else [])]


def _places(by: str, group: Report, kept: str) -> list[Link]:
    if by not in _PLACES or group["label"] == group["key"]:
        return []
    label, name = _PLACES[by]
    return [Link(label, f"{reverse(name, args=[group['key']])}?{kept}")]


def _minute(instant: str) -> str:
    """An instant of the API, to be read."""
    return instant[:16].replace("T", " ")
