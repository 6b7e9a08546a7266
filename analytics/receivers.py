"""Facts become kept numbers."""

from typing import Any

from django.db.models.signals import post_save

from analytics.aggregates import of_ratings, of_reply_ratings, of_templates
from analytics.models import TemplateAnalytics
from analytics.rollups import recording
from workflows.models import WorkflowTemplate
from workflows.signals import executions_finished


def on_executions_finished(executions: list[dict[str, Any]], **_: Any) -> None:
    of_templates.add_group(executions)


def on_template_saved(instance: WorkflowTemplate, created: bool, **_: Any) -> None:
    if created:
        TemplateAnalytics.objects.get_or_create(template=instance)


def connect() -> None:
    of_templates.connect()
    of_ratings.connect()
    of_reply_ratings.connect()
    recording.connect()
    executions_finished.connect(on_executions_finished, dispatch_uid="analytics.executions")
    post_save.connect(on_template_saved, WorkflowTemplate, dispatch_uid="analytics.template")
