"""Executions under way, and how far each has come: read from the end of its log."""

from collections.abc import Iterator
from typing import Any

from django.db.models import OuterRef, Subquery
from django.db.models.functions import Coalesce

from workflows.models import ExecutionEvent, WorkflowExecution
from workflows.tracking.frames import frame_from

MOST = 20


def executions_under_way() -> list[dict[str, Any]]:
    """`{id, name, status, created_at, started_at, node, events}` of the newest that are not over.

    `node` is where it was when it told of one last, `events` the number of its last event.
    """
    last = ExecutionEvent.objects.filter(execution=OuterRef("pk")).order_by("-seq")
    rows = (
        WorkflowExecution.objects.all()
        .under_way()
        .order_by("-id")
        .annotate(
            name=Coalesce("template__name", "definition__name", "kind"),
            last_seq=Subquery(last.values("seq")[:1]),
            frames=Subquery(last.values("frames")[:1]),
        )
        .values("id", "name", "status", "created_at", "started_at", "last_seq", "frames")
    )
    return [_json(row) for row in rows[:MOST]]


def _json(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "name": row["name"],
        "status": row["status"],
        "created_at": row["created_at"].isoformat(),
        "started_at": row["started_at"] and row["started_at"].isoformat(),
        "node": next(_nodes(row["frames"] or ""), ""),
        "events": row["last_seq"] or 0,
    }


def _nodes(frames: str) -> Iterator[str]:
    for line in reversed(frames.split("\n")):
        node = frame_from(line).event()["data"].get("node") if line else None
        if isinstance(node, str) and node:
            yield node
