"""How one definition is doing, node by node."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import user_of
from accounts.models import User
from analytics.api.reports import AS, COMPARE, FILES, SPAN, exported
from analytics.definitions import calls_of, newest
from analytics.reports.nodes import DefinitionAnalyticsOut, nodes_report, nodes_table
from analytics.reports.reading import SUBJECTS, Wanted, one_instant
from analytics.reports.report_request import ReportRequest, comparison_wanted
from analytics.reports.span import Span
from core.errors import Invalid
from core.queries import strict_query
from llms.querysets import CallQuerySet
from workflows.api.executions import ExecutionFilter
from workflows.models import WorkflowDefinition
from workflows.services.definitions import definition_for

_USUAL, _MOST = 100, 500
ENDED = ("finished_after", "finished_before")
_LAST = OpenApiParameter("last", int, description="Of how many runs at most, 100 by default.")
_ASKED = [*(one for one in SPAN if one.name != "step"), _LAST]


class BadWindow(Invalid):
    code = "bad_window"
    message = "{reason}"


class DefinitionAnalyticsDetail(GenericAPIView[WorkflowDefinition]):
    """Computed on request, from the logs and the ledger of the newest runs that ended in a time."""

    @strict_query("definitions_analytics_retrieve", [*_ASKED, COMPARE], DefinitionAnalyticsOut)
    def get(self, request: Request, pk: str) -> Response:
        query, user = request.query_params, user_of(request)
        definition = definition_for(user, pk)
        asked, last = nodes_request(definition, query, user), last_of(query)
        with one_instant() as at:
            return Response(nodes_report(definition, asked.seen_at(at), last).to_json())


class DefinitionAnalyticsExport(GenericAPIView[WorkflowDefinition]):
    """The same as a file: one line for each node."""

    @strict_query("definitions_analytics_export", [*_ASKED, AS], FILES)
    def get(self, request: Request, pk: str) -> HttpResponseBase:
        query, user = request.query_params, user_of(request)
        definition = definition_for(user, pk)
        asked = nodes_request(definition, query, user)
        table = nodes_table(definition, asked, last_of(query))
        return exported(request, table, asked.span, "", asked.by, asked.group)


def nodes_request(
    definition: WorkflowDefinition, query: Mapping[str, str], reader: User
) -> ReportRequest:
    """All runs of a definition, whose ever they are. Raises BadSpan and BadReport."""
    return ReportRequest(
        reader=reader,
        span=Span.of(query),
        wanted=Wanted(SUBJECTS["executions"]),
        by="definition",
        group=str(definition.pk),
        compared=comparison_wanted(query),
    )


def last_of(query: Mapping[str, str]) -> int:
    """How many runs to look at. Raises BadWindow."""
    text = query.get("last") or str(_USUAL)
    if not text.isdecimal() or len(text) > len(str(_MOST)) or not 1 <= int(text) <= _MOST:
        raise BadWindow(reason=f"'last' is a number of runs from 1 to {_MOST}.")
    return int(text)


def node_calls(reader: User, pk: str, query: Mapping[str, Any]) -> CallQuerySet:
    """The calls in the runs of a definition that ended in a time, in the newest if they are many;
    of one node (`within`) or of all. Raises NotFound and BadWindow.
    """
    definition = definition_for(reader, pk)
    times = {name: query[name] for name in ENDED if name in query}
    asked = ExecutionFilter(times, definition.executions.all())
    if not asked.is_valid():
        raise BadWindow(reason=f"{' and '.join(map(repr, ENDED))} are instants.")
    ended: Any = asked.qs
    return calls_of(newest(ended, _MOST), query.get("within", "")).visible_to(reader)
