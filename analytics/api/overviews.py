"""What is no rollup: how people talk, and how the installation is doing."""

from uuid import UUID

from django.http import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import user_of
from analytics.api.reports import AS, COMPARE, FILES, OF, SPAN, exported
from analytics.models import ExecutionRollup
from analytics.reports.activity import ActivityOut, activity, activity_table
from analytics.reports.reading import SUBJECTS, one_instant
from analytics.reports.report_request import comparison_wanted, read_report_request, whose_of
from analytics.reports.span import Span
from analytics.reports.talks import TalksOut, talks, talks_table
from analytics.system import SystemOut, system_now
from core.errors import NotFound
from core.queries import strict_query


class TalksReport(GenericAPIView[ExecutionRollup]):
    """Conversations, ratings of replies, and busy hours."""

    queryset = ExecutionRollup.objects.none()
    filter_backends = ()

    @strict_query("analytics_conversations", [*SPAN, OF, COMPARE], TalksOut)
    def get(self, request: Request) -> Response:
        query, user = request.query_params, user_of(request)
        whose = whose_of(query.get("of", "me"), user)
        return Response(
            talks(Span.of(query), whose, user, compare=comparison_wanted(query)).to_json()
        )


class TalksExport(GenericAPIView[ExecutionRollup]):
    """The same as a file: one line per step."""

    queryset = ExecutionRollup.objects.none()
    filter_backends = ()

    @strict_query("analytics_conversations_export", [*SPAN, OF, AS], FILES)
    def get(self, request: Request) -> HttpResponseBase:
        query, user = request.query_params, user_of(request)
        span, whose = Span.of(query), whose_of(query.get("of", "me"), user)
        return exported(request, talks_table(span, whose), span, whose)


class ActivityReport(GenericAPIView[ExecutionRollup]):
    """Your own activity; for staff, that of any user."""

    queryset = ExecutionRollup.objects.none()
    filter_backends = ()

    @strict_query("analytics_users", [*SPAN, COMPARE], ActivityOut)
    def get(self, request: Request, pk: UUID) -> Response:
        query = {**request.query_params.dict(), "of": str(pk)}
        asked = read_report_request(SUBJECTS["executions"], query, user_of(request))
        with one_instant() as at:
            return Response(activity(asked.seen_at(at)))


class ActivityExport(GenericAPIView[ExecutionRollup]):
    """The same as a file: one line for each step in which something ended, and one for each
    template and workflow in it.
    """

    queryset = ExecutionRollup.objects.none()
    filter_backends = ()

    @strict_query("analytics_users_export", [*SPAN, AS], FILES)
    def get(self, request: Request, pk: UUID) -> HttpResponseBase:
        query = {**request.query_params.dict(), "of": str(pk)}
        asked = read_report_request(SUBJECTS["executions"], query, user_of(request))
        return exported(request, activity_table(asked), asked.span, asked.wanted.whose)


class SystemReport(GenericAPIView[ExecutionRollup]):
    """For staff; for everyone else it does not exist."""

    queryset = ExecutionRollup.objects.none()
    filter_backends = ()

    @extend_schema("analytics_system", responses=SystemOut)
    def get(self, request: Request) -> Response:
        if not user_of(request).is_staff:
            raise NotFound
        return Response(system_now().to_json())
