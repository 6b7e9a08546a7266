"""Replays of before they were no executions: the numbers of their templates are counted anew."""

from typing import Any

from django.db import migrations
from django.db.models import Count, Q, Sum
from django.db.models.functions import Coalesce


def count_anew(apps: Any, schema_editor: Any) -> None:
    """Locks each row before its executions are counted: what ends meanwhile waits, and is added."""
    ended = apps.get_model("workflows", "WorkflowExecution").objects.filter(
        finished_at__isnull=False, template_id__isnull=False
    )
    kept = apps.get_model("analytics", "TemplateAnalytics").objects
    replayed = ended.filter(rerun="replay").order_by().values("template_id")
    for row in list(kept.select_for_update().filter(pk__in=replayed).order_by("pk")):
        real = ended.filter(template_id=row.pk).exclude(rerun="replay")
        counted = real.aggregate(
            execution_count=Count("pk"),
            completed_count=Count("pk", filter=Q(status="completed")),
            failed_count=Count("pk", filter=Q(status="failed")),
            cancelled_count=Count("pk", filter=Q(status="cancelled")),
            duration_ms=Coalesce(Sum("duration_ms"), 0),
        )
        kept.filter(pk=row.pk).update(**counted)


class Migration(migrations.Migration):
    dependencies = [
        ("analytics", "0008_ratings_say_what_gave_the_reply"),
        ("workflows", "0006_rerun"),
    ]

    operations = [
        migrations.RunPython(count_anew, migrations.RunPython.noop),
    ]
