"""Turns what happens to runs and budgets into messages, in the transaction in which it happens."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self
from uuid import UUID

import orjson

from budgets.models import Budget
from budgets.selectors import concerned_by
from core import clock
from core.bulk import any_row, insert_rows
from core.models import new_id
from webhooks.models import MessageType, WebhookEndpoint, WebhookMessage
from workflows.models import Approval, ApprovalStatus, ExecutionStatus, Rerun, WorkflowExecution
from workflows.totals import totals_json
from workflows.tracking.ending import ExecutionEnded

LONGEST_TEXT = 10_000
_MOST_QUESTIONS = 20


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that may be told; `data` is what is said beside which run it was.

    Without `execution_id` it is of a run that was not begun.
    """

    type: str
    at: datetime
    execution_id: UUID | None
    user_id: UUID
    definition_id: UUID | None
    template_id: UUID | None
    rerun: str
    data: Mapping[str, Any]

    @classmethod
    def to(cls, execution: WorkflowExecution, kind: MessageType, data: Mapping[str, Any]) -> Self:
        """Now."""
        return cls(
            type=kind,
            at=clock.now(),
            execution_id=execution.id,
            user_id=execution.user_id,
            definition_id=execution.definition_id,
            template_id=execution.template_id,
            rerun=execution.rerun,
            data=data,
        )

    def concerns(self, endpoint: WebhookEndpoint) -> bool:
        """Whether this endpoint, of whoever ran it, asked to be told."""
        return (
            endpoint.owner_id == self.user_id
            and self.type in endpoint.events
            and endpoint.definition_id in (None, self.definition_id)
            and endpoint.template_id in (None, self.template_id)
            and (endpoint.replays or self.rerun != Rerun.REPLAY)
        )

    def row_for(self, endpoint: WebhookEndpoint) -> dict[str, Any]:
        told = {
            **({"execution": str(self.execution_id)} if self.execution_id else {}),
            "definition": str(self.definition_id) if self.definition_id else None,
            "template": str(self.template_id) if self.template_id else None,
            "rerun": self.rerun,
            **self.data,
        }
        return message_row(endpoint.id, self.type, told, self.at, self.execution_id)


def notify_ended(ended: Sequence[ExecutionEnded]) -> dict[UUID, dict[str, Any]]:
    """Of executions that end now; nothing of it stands in their last event."""
    _notify(
        [
            Happening(
                type=f"execution.{one.status}",
                at=one.finished_at,
                execution_id=one.execution_id,
                user_id=one.user_id,
                definition_id=one.definition_id,
                template_id=one.template_id,
                rerun=one.rerun,
                data=_end(one),
            )
            for one in ended
        ]
    )
    return {}


def notify_waiting(paused: Sequence[WorkflowExecution]) -> None:
    """Of executions that begin to wait for people."""
    _notify(
        [
            Happening.to(
                one,
                MessageType.WAITING,
                {"status": ExecutionStatus.WAITING.value, "approvals": _questions(one)},
            )
            for one in paused
        ]
    )


def notify_refused(execution: WorkflowExecution, said: Mapping[str, Any]) -> None:
    """Of an execution that was not begun, for want of room."""
    happening = Happening.to(execution, MessageType.REFUSED, said)
    _notify([replace(happening, execution_id=None)])


def notify_budgets(warned: Sequence[tuple[Budget, Mapping[str, Any]]]) -> None:
    """Of budgets of which so much is used: to those whom they concern."""
    concerned = {budget.pk: concerned_by(budget) for budget, _ in warned}
    owners = {one for users in concerned.values() for one in users}
    if not any_row(WebhookEndpoint, "owner", owners):
        return
    rows = [
        message_row(endpoint.id, MessageType.BUDGET, said)
        for endpoint in _endpoints_of(owners)
        if MessageType.BUDGET in endpoint.events
        for budget, said in warned
        if endpoint.owner_id in concerned[budget.pk] and _listens(endpoint, budget)
    ]
    insert_rows(WebhookMessage, rows)


def _listens(endpoint: WebhookEndpoint, budget: Budget) -> bool:
    """One that is for a single workflow hears of that one's budgets."""
    if endpoint.definition_id is not None:
        return budget.key == f"definition:{endpoint.definition_id}"
    return endpoint.template_id is None


def _endpoints_of(owners: Collection[UUID]) -> list[WebhookEndpoint]:
    told = WebhookEndpoint.objects.filter(owner__in=owners, enabled=True)
    return list(told.defer("secret", "previous_secret").order_by())


def notify_staff(kind: MessageType, data: Mapping[str, Any]) -> None:
    """Of what happens to the installation, in the caller's transaction."""
    staff = WebhookEndpoint.objects.filter(
        enabled=True, owner__is_active=True, owner__is_staff=True
    )
    endpoints = [one for one in staff.defer("secret", "previous_secret") if kind in one.events]
    insert_rows(WebhookMessage, [message_row(one.id, kind, data) for one in endpoints])


def message_row(
    endpoint_id: UUID,
    kind: str,
    data: Mapping[str, Any],
    at: datetime | None = None,
    execution_id: UUID | None = None,
) -> dict[str, Any]:
    """A message as it will be sent, however often; its id stands in its body."""
    pk, now = new_id(), clock.now()
    body = {"id": str(pk), "type": str(kind), "at": at or now, "data": data}
    return {
        "id": pk,
        "created_at": now,
        "endpoint_id": endpoint_id,
        "execution_id": execution_id,
        "type": str(kind),
        "body": orjson.dumps(body, option=orjson.OPT_UTC_Z).decode(),
        "next_at": now,
    }


def _notify(happenings: Sequence[Happening]) -> None:
    owners = {one.user_id for one in happenings}
    if not any_row(WebhookEndpoint, "owner", owners):
        return
    endpoints = _endpoints_of(owners)
    insert_rows(
        WebhookMessage,
        [
            one.row_for(endpoint)
            for one in happenings
            for endpoint in endpoints
            if one.concerns(endpoint)
        ],
    )


def _end(ended: ExecutionEnded) -> dict[str, Any]:
    return {
        "status": ended.status,
        "text": ended.text[:LONGEST_TEXT],
        "text_cut": len(ended.text) > LONGEST_TEXT,
        "error": dict(ended.error) if ended.error else None,
        "totals": {**totals_json(ended.totals), "duration_ms": ended.duration_ms},
    }


def _questions(execution: WorkflowExecution) -> list[dict[str, str]]:
    """What is to be decided; what is shown for it, whoever may decide can look at."""
    asked = Approval.objects.filter(execution=execution, status=ApprovalStatus.PENDING)
    rows = asked.order_by("id").values_list("id", "node", "question")[:_MOST_QUESTIONS]
    return [
        {"id": str(pk), "node": node, "question": question[:LONGEST_TEXT]}
        for pk, node, question in rows
    ]
