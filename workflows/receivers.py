"""What follows when rows of workflows go."""

from typing import Any

from django.db.models.signals import post_delete

from workflows.models import WorkflowExecution
from workflows.services.losses import settle_calls_of


def on_execution_deleted(instance: WorkflowExecution, **_: Any) -> None:
    """Where it was under way, as with a user who goes: who runs it hears of that by its lease."""
    if not instance.over:
        settle_calls_of(instance)


def connect() -> None:
    post_delete.connect(on_execution_deleted, WorkflowExecution, dispatch_uid="workflows.deleted")
