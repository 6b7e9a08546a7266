"""A run's calls, held to its limits: each is looked at before it is made."""

from collections.abc import Awaitable

from core import clock
from core.limits import RunLimits
from llms.ledger import CallRecord
from llms.pricing import highest_cost_nano_usd, in_force
from llms.profiles import ProfileSpec
from tools.models import ToolAnsweredBy
from workflows.engine.context import Question
from workflows.engine.limits import Guard, Used
from workflows.limits import limits_in
from workflows.models import WorkflowExecution
from workflows.tracking.calls import CallLog
from workflows.tracking.limits import added_up, amounts_of
from workflows.tracking.past import Past


def guard_of(execution: WorkflowExecution, past: Past) -> Guard:
    """The limits the execution began with, and what its earlier attempts used of them."""
    calls = [call for of_key in past.calls.values() for call in of_key]
    tokens, cost = added_up(calls)
    used = Used(
        tokens=tokens,
        cost_nano_usd=cost,
        tool_calls=sum(
            call.answered_by == ToolAnsweredBy.TOOL
            for of_key in past.tool_calls.values()
            for call in of_key
        ),
        run_s=run_time_s(execution),
        step_s=past.witness.spent_s,
        too_long={**past.recordings.too_long, **past.witness.too_long},
    )
    limits = limits_in(execution)
    if past.recordings.strict:  # it uses nothing, and ends as its source did
        limits = RunLimits(run_time_s=limits.run_time_s)
    return Guard(limits, used, past.recordings.over)


def run_time_s(execution: WorkflowExecution) -> float:
    """How long it has run: since its first start, over all attempts and what lay between them."""
    if execution.started_at is None:
        return 0.0
    waited_s = execution.waited_ms / 1000  # what it waited for people is not its own time
    return (clock.now() - execution.started_at).total_seconds() - waited_s


class LimitedCalls:
    """A CallRecorder that tells the guard of calls as they begin and end; see `admitted`."""

    def __init__(self, calls: CallLog, guard: Guard) -> None:
        self._calls = calls
        self._guard = guard
        self.recorded = calls.recorded
        self.attempts = calls.attempts
        self.failure = calls.failure
        self.answered = calls.answered
        self.opened = calls.opened
        self.streamed = calls.streamed

    def admitted(self, call: CallRecord) -> Awaitable[None]:
        """Return when the call may be made. Raises BeyondLimit."""
        bounds = call.upper_bound_tokens, call.upper_bound_nano_usd
        return self._guard.begin_call(call.id, *bounds, (call.node, call.visit))

    def settled(self, call: CallRecord, *, will_retry_in_s: float | None = None) -> None:
        self._guard.end_call(call.id, *amounts_of(call))
        self._calls.settled(call, will_retry_in_s=will_retry_in_s)


def tokens_allowed(guard: Guard, question: Question, profile: ProfileSpec) -> int | None:
    """How many tokens the answer of a new call may have; None: any number.

    Raises BeyondLimit for a model without a price, where cost is limited.
    """
    if guard.limits.cost is not None:
        tiers = in_force(profile.prices, clock.now())
        if highest_cost_nano_usd(tiers, 1, 1) is None:
            guard.refuse_unpriced(profile.name, question.node, question.visit)
    return guard.tokens_left
