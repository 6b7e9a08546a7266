"""The end of an execution: terminal state, what follows from it, and the last event, at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, ClassVar, Self
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

from audit.record import Entry
from core.bulk import update_rows
from workflows.engine.events import TERMINAL_TYPES
from workflows.models import ExecutionStatus, WorkflowExecution, sources_of
from workflows.signals import executions_finished
from workflows.totals import COUNTED, totals_json
from workflows.tracking.access import Access
from workflows.tracking.facts import Audited, EventsHappened, Fact
from workflows.tracking.frames import frame

_RETURNED = (
    *("id", "template_id", "definition_id", "version_id", "rerun"),
    *("serial_key", "serial_number"),
    *COUNTED,
)


class OverAlready(Exception):
    """A terminal state is never overwritten."""


@dataclass(frozen=True, slots=True)
class Answerer:
    """The model whose answer the run gives."""

    provider: str = ""
    model: str = ""
    demo: bool = False


@dataclass(slots=True)
class ExecutionEnded(Fact):
    """The one move to a terminal state. `text` is what was answered, or a part of it.

    The totals are those of the row, after every call of the same commit was added to it.
    """

    rank: ClassVar[int] = 50
    execution_id: UUID
    user_id: UUID
    status: str
    request_id: str
    created_at: datetime
    finished_at: datetime
    duration_ms: int
    seq: int
    text: str
    events: EventsHappened
    output: Mapping[str, Any] | None = None
    error: Mapping[str, str] | None = None
    answerer: Answerer = Answerer()
    totals: Mapping[str, Any] = field(default_factory=dict)  # the row's counts, once written
    template_id: UUID | None = None
    definition_id: UUID | None = None
    version_id: UUID | None = None
    rerun: str = ""
    serial_key: str = ""
    serial_number: int = 0
    address: str = ""
    access: Access | None = None

    @classmethod
    def write(cls, facts: Sequence[Self]) -> None:
        not_over = ("status", sources_of(ExecutionStatus.FAILED))
        rows = update_rows(WorkflowExecution, [fact._row() for fact in facts], _RETURNED, not_over)
        by_id = {row["id"]: row for row in rows}
        for fact in facts:
            if fact.execution_id not in by_id:
                raise OverAlready(f"execution {fact.execution_id} has ended before")
            fact._take(by_id[fact.execution_id])
        follow: dict[UUID, dict[str, Any]] = {}
        for outcome in _outcomes():
            follow |= outcome(facts)
        for fact in facts:
            fact._tell(follow.get(fact.execution_id, {}))
        executions_finished.send(
            sender=WorkflowExecution, executions=[fact.finished_row() for fact in facts]
        )

    def audited(self) -> Audited:
        """The entry that goes with it: what was reached for, and from where it was begun."""
        detail: dict[str, Any] = {"error": self.error["code"]} if self.error else {}
        personal: dict[str, Any] = {"address": self.address} if self.address else {}
        if self.access is not None:
            detail |= self.access.detail()
            personal |= self.access.personal()
        return Audited(
            Entry(
                action=f"workflows.execution.{self.status}",
                actor=self.user_id,
                target=f"{WorkflowExecution._meta.label_lower}:{self.execution_id}",
                outcome="failure" if self.error else "success",
                detail=detail,
                personal=personal,
                request_id=self.request_id,
            )
        )

    def finished_row(self) -> dict[str, Any]:
        """What kept numbers count of a finished execution."""
        return {
            "template_id": self.template_id,
            "definition_id": self.definition_id,
            "version_id": self.version_id,
            "user_id": self.user_id,
            "status": self.status,
            "rerun": self.rerun,
            "duration_ms": self.duration_ms,
            "finished_at": self.finished_at,
            **self.totals,
        }

    def _row(self) -> dict[str, Any]:
        return {
            "id": self.execution_id,
            "status": self.status,
            "finished_at": self.finished_at,
            "duration_ms": self.duration_ms,
            "output": self.output,
            "error": self.error,
            "lease_owner": "",
            "lease_expires_at": None,
        }

    def _take(self, row: Mapping[str, Any]) -> None:
        self.totals = {name: row[name] for name in COUNTED}
        self.template_id, self.definition_id = row["template_id"], row["definition_id"]
        self.version_id, self.rerun = row["version_id"], row["rerun"]
        self.serial_key, self.serial_number = row["serial_key"], row["serial_number"]

    def _tell(self, follow: Mapping[str, Any]) -> None:
        data = {
            "output": self.output,
            "error": self.error,
            "totals": {**totals_json(self.totals), "duration_ms": self.duration_ms},
            "provider": self.answerer.provider,
            "model": self.answerer.model,
            "demo": self.answerer.demo,
            "message": None,
            **follow,
        }
        kind = TERMINAL_TYPES[self.status]
        last = frame(self.execution_id, self.seq, kind, self.finished_at, data)
        frames = self.events.frames
        if frames and frames[-1].seq == self.seq:  # written before, and rolled back
            frames.pop()
        frames.append(last)


@cache
def _outcomes() -> list[Any]:
    return [import_string(path) for path in settings.CHATTER_OUTCOMES]
