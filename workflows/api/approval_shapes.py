"""What the API says of approvals."""

from datetime import datetime
from typing import Any
from uuid import UUID

from core.shapes import Shape
from workflows.models import Approval


class PendingApproval(Shape):
    """What an execution waits for."""

    id: UUID
    node: str
    visit: int
    question: str
    deadline_at: datetime | None


class ApprovalOut(PendingApproval):
    """A question to people. `form` is the JSON schema of the answer, if one is requested.

    `approvers` are usernames and `group:<name>`; if there are none, the owner of the execution
    decides.
    """

    execution: UUID
    shown: str
    form: dict[str, Any] | None
    approvers: list[str]
    status: str
    answer: Any
    comment: str
    decided_by: str | None
    decided_at: datetime | None
    created_at: datetime


def pending_approval(approval: Approval) -> PendingApproval:
    return PendingApproval(
        id=approval.id,
        node=approval.node,
        visit=approval.visit,
        question=approval.question,
        deadline_at=approval.deadline_at,
    )


def approval_out(approval: Approval) -> ApprovalOut:
    """From a row of `for_list()`."""
    return ApprovalOut(
        **dict(pending_approval(approval)),
        execution=approval.execution_id,
        shown=approval.shown,
        form=approval.form,
        approvers=approval.approvers,
        status=approval.status,
        answer=approval.answer,
        comment=approval.comment,
        decided_by=approval.decided_by.username if approval.decided_by else None,
        decided_at=approval.decided_at,
        created_at=approval.created_at,
    )
