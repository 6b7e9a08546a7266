"""What an earlier execution recorded, as far as a rerun of it may be answered from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from core import clock
from core.models import new_id
from llms.ledger import CallRecord
from llms.models import AnsweredBy, CallStatus
from tools.ledger import ToolCallRecord
from workflows.engine.errors import RunStopped
from workflows.engine.events import LimitReached
from workflows.engine.paths import Place
from workflows.models import WorkflowExecution

Key = tuple[str, int, int]  # node, visit, call
Failure = tuple[str, str]  # code, message

_UNKNOWN: Failure = ("not_asked", "The model could not be asked.")
NOT_RECORDED = "not_recorded"


class NotRecorded(RunStopped):
    """A replay asks nothing anew, not even what the node could do without."""

    def __init__(self, node: str, what: str) -> None:
        message = f"The run that is replayed recorded no {what} of this visit."
        super().__init__(node, NOT_RECORDED, message)


@dataclass(frozen=True, slots=True)
class Recordings:
    """Only what may be used is in it."""

    calls: Mapping[Key, CallRecord] = field(default_factory=dict)  # ended for good, even in errors
    tool_calls: Mapping[Key, ToolCallRecord] = field(default_factory=dict)
    delays: Mapping[Place, str] = field(default_factory=dict)  # when each ended
    approvals: Mapping[Place, str] = field(default_factory=dict)  # ids of those that were decided
    deciders: Mapping[Place, str] = field(default_factory=dict)  # their names at that time
    failed: Mapping[Place, Failure] = field(default_factory=dict)  # visits that ended in an error
    stopped: Mapping[Place, Failure] = field(default_factory=dict)  # visits that ended the run
    too_long: Mapping[Place, LimitReached] = field(default_factory=dict)  # beyond their step time
    made: frozenset[Key] = frozenset()  # all model calls with a row, whatever became of them
    anew: frozenset[Place] = frozenset()  # visits that are to turn out otherwise this time
    # Visits that come to the same end without anything done, to the event that ended them there.
    ended: Mapping[Place, int] = field(default_factory=dict)
    # How many began, of maps that ended, or in which one failed.
    items: Mapping[Place, int] = field(default_factory=dict)
    over: LimitReached | None = None  # the limit that ended the whole run
    strict: bool = False  # nothing else may be used: a replay

    def answer(self, key: Key) -> CallRecord | None:
        call = self.calls.get(key)
        return call if call is not None and call.status == CallStatus.SUCCEEDED else None

    def failure(self, key: Key) -> CallRecord | None:
        call = self.calls.get(key)
        return call if call is not None and call.status == CallStatus.FAILED else None

    def failure_without_a_row(self, key: Key) -> Failure | None:
        """What went wrong with a call before it could be made, if that is what happened.

        Such a call left no row, but what followed tells of it: its visit failed, or went on to
        another call.
        """
        if key in self.made:
            return None
        node, visit, index = key
        if any(one[:2] == (node, visit) and one[2] > index for one in self.calls):
            return _UNKNOWN
        return self.failed.get((node, visit))

    def refuse_unrecorded(self, node: str, visit: int, what: str) -> None:
        """In a replay, end it as the run was ended there, or for want of a recording.

        Raises RunStopped, NotRecorded.
        """
        if (stopped := self.stopped.get((node, visit))) is not None:
            raise RunStopped(node, *stopped)
        if self.strict:
            raise NotRecorded(node, what)


NOTHING = Recordings()


def repeated(call: CallRecord, execution: WorkflowExecution, attempt: int) -> CallRecord:
    """The row of a call of `execution` that is answered as `call` was."""
    row = replace(call, **_of(execution, attempt))
    return call.answered(row, by=AnsweredBy.RECORDING)


def repeated_tool_call(
    call: ToolCallRecord, execution: WorkflowExecution, attempt: int
) -> ToolCallRecord:
    """The same of a tool."""
    return call.answered(replace(call, **_of(execution, attempt)))


def _of(execution: WorkflowExecution, attempt: int) -> dict[str, Any]:
    now = clock.now()
    return {
        "id": new_id(),
        "created_at": now,
        "started_at": now,
        "origin": execution.origin,
        "user_id": execution.user_id,
        "request_id": execution.request_id,
        "attempt": attempt,
    }
