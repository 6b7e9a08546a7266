"""Print what a drill looks at, as one line of JSON: `python -m tests.drills.dump`."""

import sys
from typing import Any

import django
import orjson

django.setup()

from conversations.models import Message  # noqa: E402
from llms.models import ModelCall  # noqa: E402
from workflows.models import ExecutionEvent, WorkflowExecution  # noqa: E402


def main() -> None:
    found: dict[str, Any] = {
        "calls": list(ModelCall.objects.order_by("id").values()),
        "executions": list(WorkflowExecution.objects.order_by("id").values()),
        "replies": list(Message.objects.filter(role="assistant").order_by("id").values()),
        "questions": Message.objects.filter(role="user").count(),
        "logs": _logs(),
    }
    sys.stdout.write(orjson.dumps(found).decode() + "\n")


def _logs() -> dict[str, list[dict[str, Any]]]:
    """The events of each execution, without what they say."""
    logs: dict[str, list[dict[str, Any]]] = {}
    for row in ExecutionEvent.objects.order_by("execution_id", "seq").iterator():
        for line in row.frames.split("\n"):
            event = orjson.loads(line)
            short = {name: event[name] for name in ("seq", "type", "at")}
            logs.setdefault(str(row.execution_id), []).append(short)
    return logs


if __name__ == "__main__":
    main()
