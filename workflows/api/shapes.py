"""What the API says of executions and their totals."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from core.limits import RunLimits
from core.shapes import Shape
from workflows.api.approval_shapes import PendingApproval, pending_approval
from workflows.limits import limits_in
from workflows.models import WorkflowExecution
from workflows.totals import totals_json


class TokensOut(Shape):
    """Tokens in disjoint categories, and their sum."""

    input: int
    cache_read: int
    cache_write: int
    output: int
    reasoning: int
    total: int


class TotalsOut(Shape):
    """Sums of model calls; `cost` in dollars, null if none of it is known."""

    calls: int
    usage: TokensOut
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cost: str | None
    exactness: str


class ErrorOut(Shape):
    code: str
    message: str
    node: str = ""


class EditOut(Shape):
    """What a fork changed at the start of a visit of a node; a null `text` left it as it was."""

    node: str
    visit: int
    variables: dict[str, Any]
    text: str | None


class ExecutionOut(Shape):
    """One run; `totals` count its settled model calls, also while it runs.

    `pins` are the workflows that its nodes run (`id`, or `id@number` of its history), each with the
    content hash of the version it is for this run. `used` are the template, models and tools that
    these and its own graph name (`template:<slug>`, `model:<name>`, `tool:<key>`), each with a hash
    of what it was when the run was asked for: equal hashes are equal parameters, settings, schemas.
    `approvals` are those that are to be decided, `waited_ms` what it has waited for people, which
    `duration_ms` does not count.
    `limits` are what it may use at most, null where it has none.
    A `rerun` (retry, replay or fork) is answered from what its `source` recorded.
    `cause` is what began it: api, admin, schedule, chain, webhook, retry, replay or fork.
    """

    id: UUID
    kind: str
    cause: str
    status: str
    template: str | None
    definition: UUID | None
    version: UUID
    pins: dict[str, str]
    used: dict[str, str]
    conversation: UUID | None
    input: dict[str, Any]
    parameters: dict[str, Any]
    output: dict[str, Any] | None
    error: ErrorOut | None
    totals: TotalsOut
    limits: RunLimits
    attempt: int
    request_id: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    duration_ms: int | None
    waited_ms: int
    cancelling: bool
    retry_of: UUID | None
    approvals: list[PendingApproval]
    source: UUID | None
    rerun: str
    edits: list[EditOut]
    debug: bool


class ExecutionStarted(Shape):
    execution: ExecutionOut


class EventOut(Shape):
    """One event of the log; `data` depends on `type`.

    In old logs some events have been pruned; `pruned` says how many were just before this one.
    """

    execution: UUID
    seq: int
    type: str
    at: datetime
    data: dict[str, Any]
    pruned: int = 0


class EventsOut(Shape):
    """Events numbered above `after`; continue with `next_after`."""

    results: list[EventOut]
    next_after: int
    last_seq: int
    terminal: bool


def execution_out(
    execution: WorkflowExecution, *, template: str | None, ended: Mapping[str, Any] | None = None
) -> ExecutionOut:
    """The execution as its row says, or as its terminal event says that was read later."""
    totals = ended["totals"] if ended else totals_json(vars(execution))
    shown = {key: value for key, value in totals.items() if key != "duration_ms"}
    conversation = execution.serial_key.removeprefix("conversation:") or None
    return ExecutionOut(
        id=execution.id,
        kind=execution.kind,
        cause=execution.cause,
        status=ended["status"] if ended else execution.status,
        template=template,
        definition=execution.definition_id,
        version=execution.version_id,
        pins=_in_order(execution.pins),
        used=_in_order(execution.used),
        conversation=UUID(conversation) if conversation else None,
        input=execution.input,
        parameters=execution.parameters,
        output=ended["output"] if ended else execution.output,
        error=ended["error"] if ended else execution.error,
        totals=TotalsOut.model_validate(shown),
        limits=limits_in(execution),
        attempt=execution.attempt,
        request_id=execution.request_id,
        created_at=execution.created_at,
        started_at=execution.started_at,
        finished_at=ended["at"] if ended else execution.finished_at,
        duration_ms=totals["duration_ms"] if ended else execution.duration_ms,
        waited_ms=execution.waited_ms,
        cancelling=execution.cancel_requested_at is not None and not execution.over,
        retry_of=execution.retry_of_id,
        approvals=[] if ended else _pending(execution),
        source=execution.source_id,
        rerun=execution.rerun,
        edits=[EditOut(**edit) for edit in execution.edits],
        debug=execution.debug,
    )


def _in_order(hashes: Mapping[str, str]) -> dict[str, str]:
    """The same whether just made or read: PostgreSQL has an order of its own."""
    return dict(sorted(hashes.items()))


def _pending(execution: WorkflowExecution) -> list[PendingApproval]:
    """What a row of `for_list()` brought with it; one that has just begun waits for nothing."""
    return [pending_approval(one) for one in getattr(execution, "pending_approvals", ())]


def listed_execution(execution: WorkflowExecution) -> ExecutionOut:
    """From a row of `for_list()`."""
    return execution_out(execution, template=execution.template_slug)
