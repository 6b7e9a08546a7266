"""Moves what has run into the day before, so that charts have something to show.

What ran, ran: its tokens, costs, durations and order stay; only when it did is moved.
"""

import json
import sys
from datetime import timedelta

import django

django.setup()

from analytics.rollups.facts import KINDS  # noqa: E402 - after Django is set up
from analytics.rollups.recount import rebuild  # noqa: E402
from llms.models import ModelCall  # noqa: E402
from tools.models import ToolCall  # noqa: E402
from workflows.models import WorkflowExecution  # noqa: E402

_OVER, _GOLDEN = timedelta(hours=22), 0.618  # no two in the same place


def main() -> None:
    json.load(sys.stdin)
    runs = list(WorkflowExecution.objects.filter(finished_at__isnull=False).order_by("id"))
    backs = sorted((_OVER * ((at * _GOLDEN) % 1) for at in range(len(runs))), reverse=True)
    for back, run in zip(backs, runs, strict=True):
        times = ("created_at", "started_at", "finished_at")
        moved = {name: getattr(run, name) - back for name in times if getattr(run, name)}
        WorkflowExecution.objects.filter(pk=run.pk).update(**moved)
        for model in (ModelCall, ToolCall):
            for call in model._base_manager.filter(origin=run.origin):
                started = call.started_at - back
                model._base_manager.filter(pk=call.pk).update(started_at=started)
    for kind in KINDS.values():
        rebuild(kind)
    sys.stdout.write(json.dumps({"moved": len(runs)}) + "\n")


if __name__ == "__main__":
    main()
