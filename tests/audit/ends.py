"""The audit entry of the end of a run."""

from typing import Any

from audit.models import AuditEntry


def end_of(execution: Any) -> AuditEntry:
    """Of an execution, or of its id."""
    return AuditEntry.objects.get(
        target=f"workflows.workflowexecution:{getattr(execution, 'pk', execution)}",
        action__in=[f"workflows.execution.{how}" for how in ("completed", "failed", "cancelled")],
    )
