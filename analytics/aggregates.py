"""What templates keep of finished executions, and of ratings of both kinds.

Replays are no executions here, for they did nothing; the calls they name count, at no cost.
"""

from core.aggregates import Aggregate, declare
from workflows.totals import COUNTED

_REPLAYS = (("rerun", "replay"),)

of_templates = declare(
    Aggregate(into="execution_count", unless=_REPLAYS),
    Aggregate(into="completed_count", only=(("status", "completed"),), unless=_REPLAYS),
    Aggregate(into="failed_count", only=(("status", "failed"),), unless=_REPLAYS),
    Aggregate(into="cancelled_count", only=(("status", "cancelled"),), unless=_REPLAYS),
    Aggregate(into="duration_ms", of="duration_ms", unless=_REPLAYS),
    *(Aggregate(into=name, of=name) for name in COUNTED),
    model="workflows.WorkflowExecution",
    parent_model="analytics.TemplateAnalytics",
    parent="template_id",
    counted_once="finished_at",
)

of_ratings = declare(
    Aggregate(into="rating_count"),
    Aggregate(into="rating_sum", of="stars"),
    model="analytics.Rating",
    parent_model="analytics.TemplateAnalytics",
    parent="template_id",
)

of_reply_ratings = declare(
    Aggregate(into="helpful_count", only=(("helpful", True),)),
    Aggregate(into="unhelpful_count", only=(("helpful", False),)),
    model="analytics.ReplyRating",
    parent_model="analytics.TemplateAnalytics",
    parent="template_id",
)
