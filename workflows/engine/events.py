"""What can happen in a run: one frozen class per type of event.

`identity` is what makes an event the same after a replay: everything but times and measurements.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

_IDENTITY = ("node", "visit", "call", "attempt", "offset")


@dataclass(frozen=True, slots=True)
class Event:
    type: ClassVar[str] = ""

    def identity(self) -> tuple[Any, ...]:
        return (self.type, *(getattr(self, name, None) for name in _IDENTITY))


def identity_of(kind: str, data: Mapping[str, Any]) -> tuple[Any, ...]:
    """The identity of an event read back from the log."""
    return (kind, *(data.get(name) for name in _IDENTITY))


@dataclass(frozen=True, slots=True)
class ExecutionCreated(Event):
    """`workflow` is what people call the template or definition; `request_id` and `traceparent`
    are of the request that asked for it.
    """

    type: ClassVar[str] = "execution.created"
    kind: str
    template: str | None
    definition: str | None
    conversation: str | None
    model: str | None
    workflow: str | None = None
    source: str | None = None
    rerun: str = ""
    request_id: str = ""
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class ExecutionStarted(Event):
    type: ClassVar[str] = "execution.started"
    attempt: int


@dataclass(frozen=True, slots=True)
class ExecutionResumed(Event):
    """A new owner runs the graph again; finished calls are answered from their rows."""

    type: ClassVar[str] = "execution.resumed"
    attempt: int


@dataclass(frozen=True, slots=True)
class ExecutionHandedBack(Event):
    type: ClassVar[str] = "execution.handed_back"
    attempt: int


@dataclass(frozen=True, slots=True)
class ExecutionCancelling(Event):
    type: ClassVar[str] = "execution.cancelling"


@dataclass(frozen=True, slots=True)
class NodeStarted(Event):
    type: ClassVar[str] = "node.started"
    node: str
    kind: str
    label: str
    visit: int


@dataclass(frozen=True, slots=True)
class NodeFinished(Event):
    """`repeated`: what the visit came to is that of the run that this one is a rerun of."""

    type: ClassVar[str] = "node.finished"
    node: str
    visit: int
    port: str
    duration_ms: float
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class NodeFailed(Event):
    """`repeated` as in NodeFinished."""

    type: ClassVar[str] = "node.failed"
    node: str
    visit: int
    code: str
    message: str
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class NodeInput(Event):
    """What reached a node, in debug mode: shortened, without what looks like a secret."""

    type: ClassVar[str] = "node.input"
    node: str
    visit: int
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NodeOutput(Event):
    """What a node left, in the same way; `variables` as they are with what it changed."""

    type: ClassVar[str] = "node.output"
    node: str
    visit: int
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ModelStarted(Event):
    """A call is in the ledger and about to be made; a new attempt starts its text anew."""

    type: ClassVar[str] = "model.started"
    node: str
    visit: int
    call: int
    attempt: int
    purpose: str
    provider: str
    model: str
    demo: bool


@dataclass(frozen=True, slots=True)
class TextDelta(Event):
    """`offset` counts the characters of this attempt's text before this piece."""

    type: ClassVar[str] = "text.delta"
    node: str
    visit: int
    call: int
    attempt: int
    offset: int
    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta(TextDelta):
    type: ClassVar[str] = "reasoning.delta"


@dataclass(frozen=True, slots=True)
class ModelFinished(Event):
    """The call is settled; `usage` and `cost` are null where unknown, `cost` in dollars as text."""

    type: ClassVar[str] = "model.finished"
    node: str
    visit: int
    call: int
    attempt: int
    status: str
    usage: Mapping[str, int | None]
    cost: str | None
    exactness: str
    latency_ms: int | None
    first_token_ms: int | None
    finish_reason: str
    error: Mapping[str, str] | None
    retry_in_s: float | None
    answered_by: str = "provider"


@dataclass(frozen=True, slots=True)
class ToolStarted(Event):
    """A call is in the ledger and about to be made."""

    type: ClassVar[str] = "tool.started"
    node: str
    visit: int
    call: int
    attempt: int
    tool: str
    arguments: Any


@dataclass(frozen=True, slots=True)
class ToolFinished(Event):
    """The call is settled; `text` begins what was answered, `error` is null when all went well."""

    type: ClassVar[str] = "tool.finished"
    node: str
    visit: int
    call: int
    attempt: int
    tool: str
    status: str
    text: str
    latency_ms: int | None
    error: Mapping[str, str] | None
    answered_by: str = "tool"


@dataclass(frozen=True, slots=True)
class DelayStarted(Event):
    """`until` is when the delay ends, however often the run is taken up again."""

    type: ClassVar[str] = "delay.started"
    node: str
    visit: int
    until: str


@dataclass(frozen=True, slots=True)
class ApprovalRequested(Event):
    """A node waits for people; `question` begins what they are asked."""

    type: ClassVar[str] = "approval.requested"
    node: str
    visit: int
    approval: str
    question: str
    deadline_at: str | None


@dataclass(frozen=True, slots=True)
class ApprovalDecided(Event):
    """`decision` is approved, rejected or expired; `by` is a username, empty when it expired."""

    type: ClassVar[str] = "approval.decided"
    node: str
    visit: int
    approval: str
    decision: str
    by: str
    comment: str


@dataclass(frozen=True, slots=True)
class ExecutionWaiting(Event):
    """Nobody runs it until one of these approvals is decided, or its deadline has passed."""

    type: ClassVar[str] = "execution.waiting"
    attempt: int
    approvals: Sequence[Mapping[str, Any]]  # {approval, node, visit, question, deadline_at}


@dataclass(frozen=True, slots=True)
class LimitReached(Event):
    """What the run may use at `most` was `reached` (null: nobody knows), by this node if by any.

    `limit` is run_time, step_time, steps, tokens, cost, tool_calls or output. Money is text.
    """

    type: ClassVar[str] = "limit.reached"
    limit: str
    most: float | str
    reached: float | str | None
    node: str
    visit: int
    message: str

    @property
    def code(self) -> str:
        """The error's."""
        return f"limit_{self.limit}"


TERMINAL_TYPES = {
    "completed": "execution.completed",
    "failed": "execution.failed",
    "cancelled": "execution.cancelled",
}
