"""What templates and users keep of finished executions, and templates of ratings."""

from core.aggregates import Aggregate, declare
from workflows.totals import COUNTED

_NUMBERS = (
    Aggregate(into="execution_count"),
    Aggregate(into="completed_count", only=(("status", "completed"),)),
    Aggregate(into="failed_count", only=(("status", "failed"),)),
    Aggregate(into="cancelled_count", only=(("status", "cancelled"),)),
    Aggregate(into="duration_ms", of="duration_ms"),
    *(Aggregate(into=name, of=name) for name in COUNTED),
)

of_templates = declare(
    *_NUMBERS,
    model="workflows.WorkflowExecution",
    parent_model="analytics.TemplateAnalytics",
    parent="template_id",
    counted_once="finished_at",
)

of_users = declare(
    *_NUMBERS,
    model="workflows.WorkflowExecution",
    parent_model="analytics.UserUsage",
    parent="user_id",
    counted_once="finished_at",
)

of_ratings = declare(
    Aggregate(into="rating_count"),
    Aggregate(into="rating_sum", of="stars"),
    model="analytics.Rating",
    parent_model="analytics.TemplateAnalytics",
    parent="template_id",
)
