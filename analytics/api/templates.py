"""How one template is doing."""

from datetime import datetime
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import user_of
from analytics.models import TemplateAnalytics
from analytics.reports.rows import template_rating_rows, template_rows
from core import clock
from core.shapes import Shape
from workflows.api.shapes import TotalsOut
from workflows.models import WorkflowExecution, WorkflowTemplate
from workflows.services.templates import template_for
from workflows.totals import mean_cost, totals_json


class TemplateAnalyticsOut(Shape):
    """Finished executions, and ratings, of all users; means are null while there are none.

    `mean_cost` is the cost in `totals` divided by the executions, in dollars and just as exact.
    `satisfaction` is the share of helpful ratings among the rated replies. `rows` and `rating_rows`
    are where the API lists the executions, and the ratings of replies; only their sum is told of
    `ratings`, the stars that users give the template.
    """

    template: UUID
    executions: int
    completed: int
    failed: int
    cancelled: int
    success_rate: float | None
    mean_duration_ms: float | None
    mean_cost: str | None
    totals: TotalsOut
    last_used_at: datetime | None
    ratings: int
    mean_rating: float | None
    helpful_replies: int
    unhelpful_replies: int
    satisfaction: float | None
    rows: str
    rating_rows: str


def analytics_of(template: WorkflowTemplate) -> TemplateAnalyticsOut:
    """The kept numbers of a template, and when it was used last."""
    at = clock.now()
    kept = TemplateAnalytics.objects.get(template=template)
    runs, rated = kept.execution_count, kept.helpful_count + kept.unhelpful_count
    used = WorkflowExecution.objects.filter(template=template).order_by("-id")
    return TemplateAnalyticsOut(
        template=template.id,
        executions=runs,
        completed=kept.completed_count,
        failed=kept.failed_count,
        cancelled=kept.cancelled_count,
        success_rate=round(kept.completed_count / runs, 4) if runs else None,
        mean_duration_ms=round(kept.duration_ms / runs, 1) if runs else None,
        mean_cost=mean_cost(vars(kept), runs),
        totals=TotalsOut.model_validate(totals_json(vars(kept))),
        last_used_at=used.values_list("created_at", flat=True).first(),
        ratings=kept.rating_count,
        mean_rating=round(kept.rating_sum / kept.rating_count, 2) if kept.rating_count else None,
        helpful_replies=kept.helpful_count,
        unhelpful_replies=kept.unhelpful_count,
        satisfaction=round(kept.helpful_count / rated, 4) if rated else None,
        rows=template_rows(template.id, at),
        rating_rows=template_rating_rows(template.id),
    )


class TemplateAnalyticsDetail(GenericAPIView[WorkflowTemplate]):
    @extend_schema(responses=TemplateAnalyticsOut)
    def get(self, request: Request, pk: str) -> Response:
        return Response(analytics_of(template_for(user_of(request), pk)).to_json())
