"""What waits, what runs, and whose owner was not heard of in time."""

from typing import Any

from django.db.models import Count, Min

from core import clock
from workflows.models import ExecutionStatus, WorkflowExecution


def queue_now() -> dict[str, Any]:
    """`{pending, running, waiting, oldest_s, expired}`, by the index of what is under way.

    `oldest_s` is of those that a pump could begin: what follows in a conversation waits for people.
    """
    executions = WorkflowExecution.objects.all()
    of_status = {
        row["status"]: row
        for row in executions.under_way()
        .order_by()
        .values("status")
        .annotate(
            count=Count("id"),
            oldest=Min("created_at", filter=executions.in_front()),
            late=Count("id", filter=executions.late()),
        )
    }
    counts = {status: row["count"] for status, row in of_status.items()}
    oldest = of_status.get(ExecutionStatus.PENDING, {}).get("oldest")
    return {
        "pending": counts.get(ExecutionStatus.PENDING, 0),
        "running": counts.get(ExecutionStatus.RUNNING, 0),
        "waiting": counts.get(ExecutionStatus.WAITING, 0),
        "oldest_s": round((clock.now() - oldest).total_seconds(), 3) if oldest else 0,
        "expired": of_status.get(ExecutionStatus.RUNNING, {}).get("late", 0),
    }
