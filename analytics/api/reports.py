"""Reports over the API: executions, model calls and tool calls, by time and by group."""

from typing import Any

from django.db import transaction
from django.http import HttpResponseBase, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import user_of
from analytics.models import Grain, Rollup
from analytics.reports.export import FORMATS, Table, format_of, streamed, table_of
from analytics.reports.reading import SUBJECTS, one_instant
from analytics.reports.report import REPORTS, report
from analytics.reports.report_request import read_report_request
from analytics.reports.span import RANGES, Span
from audit.record import record
from core.queries import strict_query

SPAN = [
    OpenApiParameter(
        "range", str, enum=list(RANGES), description="Back from the end of this hour."
    ),
    OpenApiParameter(
        "from", str, description="In place of a range: a date, or the hour that an instant is in."
    ),
    OpenApiParameter(
        "to", str, description="Before this date, or with an instant's hour; now by default."
    ),
    OpenApiParameter("zone", str, description="The time zone that days are of; UTC by default."),
    OpenApiParameter("step", str, enum=Grain.values, description="What a series counts by."),
]
OF = OpenApiParameter("of", str, description="me; for staff also all, or a user's id.")
COMPARE = OpenApiParameter("compare", bool, description="Give the period before, too.")
AS = OpenApiParameter("as", str, enum=list(FORMATS), description="csv by default.")
_LINES = {"type": "array", "items": {"type": "object", "additionalProperties": {}}}
FILES = {
    (200, kind): OpenApiResponse(_LINES if name == "json" else OpenApiTypes.BINARY)
    for name, (kind, _) in FORMATS.items()
}


def _by(name: str) -> list[OpenApiParameter]:
    subject = SUBJECTS[name]
    return [
        OpenApiParameter("by", str, enum=list(subject.by), description="What groups are made of."),
        OpenApiParameter("key", str, description="One group alone, as `key` names it."),
    ]


class _Report(GenericAPIView[Rollup]):
    filter_backends = ()
    subject: str

    def get_queryset(self) -> Any:
        return SUBJECTS[self.subject].rollup._base_manager.none()


@transaction.atomic
def exported(
    request: Request, table: Table, span: Span, whose: str, by: str = "", key: str = ""
) -> HttpResponseBase:
    """A report as the file that is asked for (`as`), and its audit entry. Raises BadReport."""
    name = request.query_params.get("as", "csv")
    kind, write = format_of(name)
    record(
        "analytics.report.exported",
        actor=user_of(request),
        detail={
            "report": table.name,
            "format": name,
            "of": whose or "all",
            "by": by,
            "key": key,
            "from": span.starts_at.isoformat(),
            "to": span.ends_at.isoformat(),
        },
    )
    filename = f"{table.name}-{span.starts_at:%Y-%m-%d}.{name}"
    return StreamingHttpResponse(
        streamed(write(table)),
        content_type=kind,
        headers={"Content-Disposition": f'attachment; filename="{filename}"'},
    )


def _views(name: str) -> tuple[Any, Any]:
    """The report of one subject, and its export: alike but for what they count."""

    class Report(_Report):
        """Live: as of the last commit. Durations are those of what happened in the span."""

        subject = name

        @strict_query(f"analytics_{name}", [*SPAN, OF, *_by(name), COMPARE], REPORTS[name])
        def get(self, request: Request) -> Response:
            query, user = request.query_params, user_of(request)
            asked = read_report_request(SUBJECTS[name], query, user)
            with one_instant() as at:
                return Response(report(asked.seen_at(at)))

    class Export(_Report):
        """The same as a file: a line for each step and group in which something happened."""

        subject = name

        @strict_query(f"analytics_{name}_export", [*SPAN, OF, *_by(name), AS], FILES)
        def get(self, request: Request) -> HttpResponseBase:
            asked = read_report_request(SUBJECTS[name], request.query_params, user_of(request))
            whose, span = asked.wanted.whose, asked.span
            return exported(request, table_of(asked), span, whose, asked.by, asked.group)

    return Report, Export


ExecutionsReport, ExecutionsExport = _views("executions")
ModelsReport, ModelsExport = _views("models")
ToolsReport, ToolsExport = _views("tools")
