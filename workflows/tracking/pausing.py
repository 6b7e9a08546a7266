"""What the writer writes of approvals: asked, expired, withdrawn; and the pause of a run."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, ClassVar, Self
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

from audit.record import Entry, record_many
from core import clock
from core.bulk import insert_rows
from workflows.approvers import named
from workflows.models import (
    AT_ONCE,
    Approval,
    ApprovalStatus,
    ExecutionStatus,
    WorkflowExecution,
    sources_of,
)
from workflows.tracking.facts import Fact


@dataclass(slots=True)
class ApprovalAsked(Fact):
    """People are asked. Whom the names mean is looked up now; without names it is the owner."""

    rank: ClassVar[int] = 32
    approval: Approval
    owner_id: UUID

    @classmethod
    def write(cls, facts: Sequence[Self]) -> None:
        insert_rows(Approval, [vars(fact.approval) for fact in facts])
        for fact in facts:
            fact._put_to_them()

    def _put_to_them(self) -> None:
        users, groups = named(self.approval.approvers)
        if not self.approval.approvers:
            users = [self.owner_id]
        users_of, groups_of = Approval.users.through, Approval.groups.through
        key = {"approval_id": self.approval.id}
        users_of.objects.bulk_create([users_of(**key, user_id=one) for one in users])
        groups_of.objects.bulk_create([groups_of(**key, group_id=one) for one in groups])


@dataclass(slots=True)
class ApprovalExpired(Fact):
    """The run has seen that its time is over; a decision that came before stays, and no `entry` is
    written.
    """

    rank: ClassVar[int] = 51
    approval_id: UUID
    entry: Entry

    @classmethod
    def write(cls, facts: Sequence[Self]) -> None:
        asked = Approval.objects.filter(
            pk__in=[fact.approval_id for fact in facts], status=ApprovalStatus.PENDING
        )
        over = {*asked.values_list("pk", flat=True)}  # their runs are locked: nobody decides now
        asked.update(status=ApprovalStatus.EXPIRED, decided_at=clock.now())
        record_many([fact.entry for fact in facts if fact.approval_id in over])


@dataclass(slots=True)
class ApprovalsWithdrawn(Fact):
    """The run ends; what it still asks for needs no decision any more."""

    rank: ClassVar[int] = 52
    execution_id: UUID

    @classmethod
    def write(cls, facts: Sequence[Self]) -> None:
        asked = Approval.objects.filter(
            execution__in=[fact.execution_id for fact in facts], status=ApprovalStatus.PENDING
        )
        asked.update(status=ApprovalStatus.WITHDRAWN, decided_at=clock.now())


@dataclass(slots=True)
class Paused(Fact):
    """The owner leaves a run that waits for these approvals. It is woken by the first deadline.

    What was decided, or asked to stop, while it still ran has woken nobody: then it wakes at once.
    """

    rank: ClassVar[int] = 56
    execution_id: UUID
    approvals: Sequence[UUID]

    @classmethod
    def write(cls, facts: Sequence[Self]) -> None:
        paused = [execution for fact in facts for execution in fact._pause()]
        for pause in _pauses():
            pause(paused)

    def _pause(self) -> list[WorkflowExecution]:
        paused = list(
            WorkflowExecution.objects.filter(
                pk=self.execution_id, status__in=sources_of(ExecutionStatus.WAITING)
            )
        )
        for execution in paused:
            execution.status = ExecutionStatus.WAITING
            execution.lease_owner, execution.lease_expires_at = "", None
            execution.waiting_since = clock.now()
            execution.pauses += 1
            execution.wakes_at = self._wakes_at(execution)
            execution.save(update_fields=_PAUSED)
        return paused

    def _wakes_at(self, execution: WorkflowExecution) -> datetime | None:
        rows = Approval.objects.filter(pk__in=self.approvals)
        asked = list(rows.values_list("status", "deadline_at"))
        decided = any(status != ApprovalStatus.PENDING for status, _ in asked)
        if decided or execution.cancel_requested_at is not None:
            return AT_ONCE
        return min((deadline for _, deadline in asked if deadline is not None), default=None)


@cache
def _pauses() -> list[Any]:
    return [import_string(path) for path in settings.CHATTER_PAUSES]


_PAUSED = [
    "status",
    "lease_owner",
    "lease_expires_at",
    "waiting_since",
    "pauses",
    "wakes_at",
]
