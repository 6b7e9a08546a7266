"""A start for which there is no room has no log, so its user and the audit trail are notified.

However many are refused, only a few are reported (`audit.refusals`).
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from audit.models import Outcome
from audit.record import record
from audit.refusals import refusals
from core.database import database
from core.errors import TooMany
from workflows.models import WorkflowExecution
from workflows.tracking.limits import ACTION

_REACHED = ("limit", "most", "reached")


async def note_refused(execution: WorkflowExecution, error: TooMany) -> None:
    """Report that this was not begun, if it is time for a report."""
    if count := refusals.count(error.detail["limit"], execution.user_id):
        await database.run(_report, execution, error, count)


@transaction.atomic
def _report(execution: WorkflowExecution, error: TooMany, count: int) -> None:
    reached = {name: error.detail[name] for name in _REACHED} | {"count": count}
    record(
        ACTION,
        actor=execution.user_id,
        target=execution.user,
        outcome=Outcome.DENIED,
        detail=reached,
        request_id=execution.request_id,
    )
    for notify in _listeners():
        notify(execution, {"code": error.code, **reached, **_wanted(execution)})


def _wanted(execution: WorkflowExecution) -> dict[str, Any]:
    """What was to be run; it has no id, for there is none."""
    of = {
        "definition": execution.definition_id,
        "template": execution.template_id,
        "source": execution.source_id or execution.retry_of_id,
    }
    return {
        "kind": execution.kind,
        **{name: str(pk) if pk else None for name, pk in of.items()},
        "rerun": execution.rerun,
        "cause": execution.cause,
        "request_id": execution.request_id,
    }


@cache
def _listeners() -> list[Callable[[WorkflowExecution, Mapping[str, Any]], None]]:
    return [import_string(path) for path in settings.CHATTER_REFUSED_STARTS]
