"""Decide what a run waits for."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import User
from audit.record import record
from core import clock
from core.errors import ChatterError, Conflict, Invalid, NotFound, Refused
from workflows.engine.structured import flaws
from workflows.models import AT_ONCE, Approval, ApprovalStatus, WorkflowExecution
from workflows.pump.doorbell import doorbell
from workflows.services.idempotency import NO_KEY, Idempotency, keep_key, key_of


class ApprovalNotFound(NotFound):
    code = "approval_not_found"
    message = "There is no such approval, or it is not for you."


class NotAnApprover(Refused):
    code = "not_an_approver"
    message = "Others are asked to decide this; you may only look at it."


class ApprovalOver(Conflict):
    code = "approval_over"
    message = "Nothing is left to decide here: it is {status}."


class BadAnswer(Invalid):
    """`errors` lists all that does not fit the form."""

    code = "bad_answer"
    message = "The answer does not fit the form."


def approval_for(user: User, pk: Any) -> Approval:
    """One approval this user may see. Raises ApprovalNotFound."""
    try:
        found: Approval = Approval.objects.visible_to(user).for_list().get(pk=pk)
    except (Approval.DoesNotExist, ValidationError, ValueError) as error:
        raise ApprovalNotFound from error
    return found


def closed(approval: Approval, user: User) -> ChatterError | None:
    """Why this user has nothing to decide here, if that is so."""
    if (over := _over(approval, approval.execution)) is not None:
        return ApprovalOver(status=over)
    return None if approval.may_decide(user) else NotAnApprover()


def decide(
    approval: Approval,
    *,
    by: User,
    approve: bool,
    comment: str = "",
    answer: Any = None,
    once: Idempotency = NO_KEY,
) -> Approval:
    """Approve or reject, once; the run goes on when a pump has taken it up again.

    Locks the execution, as its owner does when it pauses: either the pause sees the decision, or
    the decision wakes what is paused. Sent again with the same key it changes nothing.
    Raises NotAnApprover, ApprovalOver, BadAnswer, IdempotencyKeyReused.
    """
    if not approval.may_decide(by):
        raise NotAnApprover
    unfit = _unfit(approval, answer, approve=approve)  # takes its time, so nothing is locked yet
    with transaction.atomic():
        execution, current = _locked(approval)
        if key_of(by.id, once) is not None:
            return current
        if (over := _over(current, execution)) is not None:
            raise ApprovalOver(status=over)
        if unfit:
            raise BadAnswer(errors=unfit)
        current.status = ApprovalStatus.APPROVED if approve else ApprovalStatus.REJECTED
        current.answer, current.comment = answer, comment
        current.decided_by, current.decided_at = by, clock.now()
        current.save(update_fields=["status", "answer", "comment", "decided_by", "decided_at"])
        execution.wakes_at = AT_ONCE
        execution.save(update_fields=["wakes_at"])
        keep_key(by, once, execution)
        detail = {"decision": current.status, "node": current.node}
        record("workflows.approval.decided", actor=by, target=current, detail=detail)
        transaction.on_commit(doorbell.ring)
    return current


def _locked(approval: Approval) -> tuple[WorkflowExecution, Approval]:
    """Both as they are now. Raises ApprovalNotFound."""
    executions = WorkflowExecution.objects.select_for_update()
    execution = executions.filter(pk=approval.execution_id).first()
    current = Approval.objects.filter(pk=approval.pk).first()
    if execution is None or current is None:
        raise ApprovalNotFound
    return execution, current


def _over(approval: Approval, execution: WorkflowExecution) -> str | None:
    """How it ended, if it did; a deadline may have passed without anybody noticing."""
    if approval.status != ApprovalStatus.PENDING:
        return approval.status
    if execution.over:
        return ApprovalStatus.WITHDRAWN
    late = approval.deadline_at is not None and approval.deadline_at <= clock.now()
    return ApprovalStatus.EXPIRED if late else None


def _unfit(approval: Approval, answer: Any, *, approve: bool) -> list[dict[str, str]]:
    """Who approves fills in the form, if there is one; who rejects does not."""
    if approve and approval.form is not None:
        return [
            {"path": ".".join(filter(None, ("answer", path))), "code": code, "message": message}
            for path, code, message in flaws(answer, approval.form)
        ]
    if answer is None:
        return []
    return [{"path": "answer", "code": "no_form", "message": "No answer is asked for here."}]
