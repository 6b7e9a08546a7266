"""Calls whose execution has ended or is gone: nobody takes them up, and budgets wait."""

from collections.abc import Sequence
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import QuerySet

from budgets.models import BudgetCharge
from core.origins import execution_of, of_execution
from llms.ledger import CallRecord, lost_row
from llms.models import CallStatus, ModelCall
from tools.ledger import ToolCallRecord
from tools.ledger import lost_row as lost_tool_row
from tools.models import ToolCall
from workflows.models import WorkflowExecution
from workflows.tracking.facts import CallBooked, CallSettled, Fact, ToolCallSettled, Unit
from workflows.tracking.writer import writer

log = structlog.get_logger(__name__)


@transaction.atomic
def settle_lost_calls() -> None:
    """Settle them as lost. A call of an execution under way is left to whoever takes that up.

    Locks the calls, so that of processes that do this at once one settles each.
    """
    _settle(ModelCall.objects.filter(id__in=_orphans(), status=CallStatus.OPEN))


@transaction.atomic
def settle_calls_of(execution: WorkflowExecution) -> None:
    """Settle as lost what is open of an execution that is no more: its owner can write nothing."""
    facts: list[Fact] = []
    for row in ToolCall.objects.filter(origin=execution.origin).under_way().values():
        facts.append(ToolCallSettled(ToolCallRecord(**{**row, **lost_tool_row(row)})))
    _settle(ModelCall.objects.filter(origin=execution.origin, status=CallStatus.OPEN), facts)


def _settle(calls: QuerySet[ModelCall], facts: Sequence[Fact] = ()) -> None:
    locked = calls.select_for_update(skip_locked=True, of=("self",)).order_by("id")
    written = [*facts]
    for row in locked.values():
        lost = CallRecord(**{**row, **lost_row(row)})
        written += [CallBooked(lost), CallSettled(lost)]
        log.warning("model.call_lost", call=str(lost.id), model=lost.model)
    if written:
        writer.commit_now(Unit(written))


def _orphans() -> list[UUID]:
    """Only these are to be locked: whoever has a run locks budgets before its calls."""
    charged = BudgetCharge.objects.filter(spent=None).values("call_id")
    waited_for = ModelCall.objects.filter(id__in=charged, status=CallStatus.OPEN)
    calls = dict(waited_for.order_by().values_list("id", "origin"))
    ids = {pk for one in calls.values() if (pk := execution_of(one))}
    alive = WorkflowExecution.objects.under_way().filter(pk__in=ids).values_list("pk", flat=True)
    origins = set(map(of_execution, alive))
    return [pk for pk, origin in calls.items() if origin not in origins]
