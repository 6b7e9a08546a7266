"""Counts what was recorded: `python -m bench.exact` prints it as JSON."""

import json
from collections import defaultdict
from typing import Any
from uuid import UUID

import django

django.setup()

from conversations.models import Message  # noqa: E402 - after Django is set up
from llms.models import ModelCall  # noqa: E402
from workflows.models import ExecutionEvent, WorkflowExecution  # noqa: E402


def counted() -> dict[str, Any]:
    """Rows by kind, and the executions whose events are not exactly 1 … N, the end last."""
    return {
        "executions": WorkflowExecution.objects.filter(status="completed").count(),
        "other_executions": WorkflowExecution.objects.exclude(status="completed").count(),
        "calls": ModelCall.objects.filter(status="succeeded", exactness="metered").count(),
        "other_calls": ModelCall.objects.exclude(status="succeeded", exactness="metered").count(),
        "messages": Message.objects.filter(status="complete").count(),
        "logs": len(numbers := _numbers()),
        "broken_logs": sum(not _unbroken(one) for one in numbers.values()),
    }


def _numbers() -> dict[UUID, list[tuple[int, str]]]:
    """The number and type of every event, by execution, in the order of the log."""
    found: dict[UUID, list[tuple[int, str]]] = defaultdict(list)
    rows = ExecutionEvent.objects.order_by("execution", "seq").values_list("execution", "frames")
    for execution, frames in rows.iterator():
        events = (json.loads(line) for line in frames.split("\n"))
        found[execution] += [(event["seq"], event["type"]) for event in events]
    return found


def _unbroken(events: list[tuple[int, str]]) -> bool:
    whole = [seq for seq, _ in events] == list(range(1, len(events) + 1))
    return whole and events[-1][1] == "execution.completed"


if __name__ == "__main__":
    print(json.dumps(counted()))
