"""The approvals of one run: requested once, found again when the run comes by again."""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from audit.record import Entry
from core import clock
from core.database import database
from core.json_values import plain_text
from core.models import new_id
from workflows.engine.events import ApprovalDecided, ApprovalRequested
from workflows.engine.pausing import ApprovalQuestion, Decision
from workflows.models import Approval, ApprovalStatus
from workflows.tracking.past import Past
from workflows.tracking.pausing import ApprovalAsked, ApprovalExpired
from workflows.tracking.recordings import NotRecorded

if TYPE_CHECKING:
    from workflows.tracking.tracker import WorkflowTracker

_SHOWN_CHARACTERS = 100_000
_QUESTION_CHARACTERS = 5_000  # lists hold it whole
_TOLD_CHARACTERS = 1_000  # of a question or comment, in an event


class ApprovalLog:
    """`asked` says whether any was ever asked for; `waiting` are those the run waits for now."""

    def __init__(self, tracker: "WorkflowTracker", past: Past) -> None:
        self._tracker = tracker
        self._past = past
        self.asked = bool(past.approvals)
        self.waiting: list[Mapping[str, Any]] = []

    async def decision(self, question: ApprovalQuestion) -> Decision | None:
        """What was decided; None when nobody has, after the question was put once.

        In a rerun, what was decided in the run it is one of. Returns only what is committed.
        Raises LeaseLost, NotRecorded.
        """
        place, recordings = (question.node, question.visit), self._past.recordings
        if (recorded := recordings.approvals.get(place)) is not None:
            return self._decided(await database.run(_found, recorded))
        if recordings.strict:
            raise NotRecorded(question.node, "decision")
        known = self._past.approvals.get(place)
        if known is None:
            self._ask(question)
            return None
        approval = await database.run(_found, known)
        if _expires(approval):
            approval = await self._expired(approval)
        if approval.status == ApprovalStatus.PENDING:
            self._wait_for(approval)
            return None
        return self._decided(approval)

    def _ask(self, question: ApprovalQuestion) -> None:
        execution, now = self._tracker.execution, clock.now()
        deadline = question.deadline_s and now + timedelta(seconds=question.deadline_s)
        approval = Approval(
            id=new_id(),
            created_at=now,
            execution_id=execution.id,
            node=question.node,
            visit=question.visit,
            question=_short_enough(plain_text(question.question), _QUESTION_CHARACTERS),
            shown=_short_enough(plain_text(question.shown), _SHOWN_CHARACTERS),
            form=question.form,
            approvers=list(question.approvers),
            deadline_at=deadline or None,
        )
        self.asked = True
        self._tracker.record(ApprovalAsked(approval, execution.user_id))
        self._tracker.emit(ApprovalRequested(**self._wait_for(approval)))

    def _wait_for(self, approval: Approval) -> dict[str, Any]:
        told = {
            "approval": str(approval.id),
            "node": approval.node,
            "visit": approval.visit,
            "question": approval.question[:_TOLD_CHARACTERS],
            "deadline_at": approval.deadline_at and approval.deadline_at.isoformat(),
        }
        self.waiting.append(told)
        return told

    async def _expired(self, approval: Approval) -> Approval:
        """As it is once the end of its time is committed, or a decision that came before."""
        execution = self._tracker.execution
        entry = Entry(
            action="workflows.approval.expired",
            actor=execution.user_id,
            target=f"{Approval._meta.label_lower}:{approval.id}",
            request_id=execution.request_id,
        )
        self._tracker.record(ApprovalExpired(approval.id, entry))
        await self._tracker.committed()
        return await database.run(_found, approval.id)

    def _decided(self, approval: Approval) -> Decision:
        known = {**self._past.recordings.deciders, **self._past.deciders}
        by = known.get((approval.node, approval.visit))
        if by is None:
            by = approval.decided_by.username if approval.decided_by else ""
        told = ApprovalDecided(
            node=approval.node,
            visit=approval.visit,
            approval=str(approval.id),
            decision=approval.status,
            by=by,
            comment=approval.comment[:_TOLD_CHARACTERS],
        )
        self._tracker.emit(told)
        return Decision(approval.status, approval.answer, approval.comment, by)


def _found(key: str | UUID) -> Approval:
    return Approval.objects.select_related("decided_by").get(pk=key)


def _short_enough(text: str, most: int) -> str:
    """As much of it as a person may be asked to read; what is left out is said."""
    if len(text) <= most:
        return text
    left = len(text) - most
    return f"{text[:most]}\n\n[{left:,} more characters are not shown.]"


def _expires(approval: Approval) -> bool:
    late = approval.deadline_at is not None and approval.deadline_at <= clock.now()
    return late and approval.status == ApprovalStatus.PENDING
