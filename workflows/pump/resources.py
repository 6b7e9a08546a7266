"""What a run is given: its bound graph, the door to models, its conversation, its clock."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

from accounts.models import User
from core import clock
from core.database import database
from core.outage import AWAY
from llms.errors import ProviderError, UnknownModel
from llms.metering import Answer, CallRequest, ask
from llms.preparing import prepare
from llms.profiles import ProfileSpec
from llms.services.profiles import kept_profile, resolve_profile
from tools.calling import call_tool
from tools.catalogue import catalogue
from tools.permissions import GrantedPermissions
from tools.request import ToolAnswer, ToolRequest
from workflows.definition.graph import GraphDefinition
from workflows.engine.context import (
    ExecutionContext,
    History,
    Question,
    ToolQuestion,
    ToolReply,
)
from workflows.engine.edits import Edit
from workflows.engine.errors import NodeError
from workflows.engine.events import DelayStarted
from workflows.engine.halt import Halt
from workflows.engine.limits import Guard
from workflows.engine.paths import around
from workflows.engine.pausing import ApprovalQuestion, Decision
from workflows.models import WorkflowExecution
from workflows.pump.limiting import LimitedCalls, guard_of, tokens_allowed
from workflows.pump.replay_order import ReplayOrder
from workflows.registry import NODE_TYPES
from workflows.selectors import bound_graph, version_called
from workflows.tracking.past import Past
from workflows.tracking.showing import debug_view
from workflows.tracking.tracker import WorkflowTracker
from workflows.validation.schema import unfit_settings

_SHOWN = 80


class Resources:
    """Implements `engine.context.Services` for one execution."""

    def __init__(
        self,
        execution: WorkflowExecution,
        tracker: WorkflowTracker,
        past: Past,
        guard: Guard,
        halt: Halt,
    ) -> None:
        self._execution = execution
        self._tracker = tracker
        self._past = past
        self._guard = guard
        self._halt = halt
        self._calls = LimitedCalls(tracker.calls, guard)

    async def ask(self, question: Question) -> Answer:
        """Ask through the metering door; what failed for good before fails again, unasked.

        Raises ProviderError, NodeError, RunStopped, BeyondLimit.
        """
        calls = self._calls
        if await self._is_outdated(question):
            self._tracker.calls.ask_anew(question.node, question.visit, question.call)
        if (known := calls.recorded(question.node, question.visit, question.call)) is not None:
            return Answer.of(known, replayed=True)
        if (failure := calls.failure(question.node, question.visit, question.call)) is not None:
            raise NodeError(*failure)
        self._refuse_unrecorded(question, f"model call {question.call}")
        profile = await self._profile(question.model)
        if question.cache_ttl_s is not None:  # what this run was told is in the ledger first
            await self._tracker.committed()
        left = tokens_allowed(self._guard, question, profile)
        request = await self._request(question, profile, left)
        now = partial(self._profile_now, question.model)
        return await ask(request, calls, admitted=calls.admitted, profile_now=now)

    async def _is_outdated(self, question: Question) -> bool:
        """Whether a recording sums up what has been deleted since, or answered anew.

        A replay asks nobody, and what this run itself was answered stays.
        """
        key = question.node, question.visit, question.call
        recorded = self._past.recordings.answer(key)
        if question.purpose != "summary" or recorded is None or self._past.recordings.strict:
            return False
        if self._past.answer(key) is not None or key in self._past.failures:
            return False
        # Asked of the same model, lest another default be taken for another question.
        profile = await self._profile_now(f"{recorded.provider}:{recorded.model}")
        if profile is None:
            return True
        try:
            prepared = await prepare(await self._request(question, profile))
        except ProviderError:
            return True
        return prepared.request_hash != recorded.request_hash

    async def _request(
        self, question: Question, profile: ProfileSpec, tokens_left: int | None = None
    ) -> CallRequest:
        execution = self._execution
        return CallRequest(
            profile=profile,
            messages=question.messages,
            purpose=question.purpose,
            origin=execution.origin,
            node=question.node,
            visit=question.visit,
            call_index=question.call,
            user_id=execution.user_id,
            request_id=execution.request_id,
            parameters=question.parameters,
            tokens_left=tokens_left,
            timeout_s=question.timeout_s or settings.CHATTER_MODEL_TIMEOUT_S,
            tools=[await _spec(key) for key in question.tools],
            may_call_tools=question.may_call_tools,
            max_attempts=question.attempts,
            first_wait_s=question.first_wait_s,
            backoff=question.backoff,
            optional=question.optional,
            with_room=question.with_room,
            cache_ttl_s=None if self._is_another_try(question) else question.cache_ttl_s,
            fits=question.fits,
        )

    async def _profile(self, name: str) -> ProfileSpec:
        if (found := await self._profile_now(name)) is None:
            gone = UnknownModel(model=name or "default")
            raise NodeError(gone.code, str(gone))
        return found

    async def _profile_now(self, name: str) -> ProfileSpec | None:
        """None if it is gone, or its user is, though it was there when the run was accepted."""
        user_id = self._execution.user_id
        if (kept := kept_profile(name, user_id)) is not None:
            return kept
        with suppress(UnknownModel):
            return await database.run(_profile_for, name, user_id)
        return None

    async def call_tool(self, question: ToolQuestion) -> ToolReply:
        """Call through the tools' door, for the user the run belongs to.

        Raises RunStopped, BeyondLimit.
        """
        execution, calls = self._execution, self._tracker.tool_calls
        if (known := calls.recorded(question.node, question.visit, question.call)) is not None:
            return ToolAnswer.of(known, replayed=True)
        self._refuse_unrecorded(question, f"tool call {question.call}")
        self._guard.count_tool_call(question.node, question.visit)
        request = ToolRequest(
            tool=question.tool,
            arguments=question.arguments,
            origin=execution.origin,
            user_id=execution.user_id,
            node=question.node,
            visit=question.visit,
            call_index=question.call,
            request_id=execution.request_id,
            timeout_s=question.timeout_s,
            by_node=question.by_node,
            offered=question.offered,
        )
        return await call_tool(request, calls, GrantedPermissions(self._tracker.access.decided))

    def _is_another_try(self, question: Question) -> bool:
        """Whether it is asked because what was answered before would not do."""
        anew, failed = self._past.recordings.anew, self._tracker.failed
        places = ((question.node, question.visit), *around(question.node))
        return any(at in anew or (at[0], at[1] - 1) in failed for at in places)

    def _refuse_unrecorded(self, question: Question | ToolQuestion, what: str) -> None:
        self._past.recordings.refuse_unrecorded(question.node, question.visit, what)

    async def history(self, most: int, *, unsummed: bool) -> History:
        """The first of a series has none."""
        if self._execution.serial_number <= 1 and not self._execution.rerun:
            return History()
        found = await database.run(_history_source(), self._execution, most, unsummed=unsummed)
        self._tracker.access.conversation = found.series.removeprefix("conversation:")
        return found

    async def sleep(self, node: str, visit: int, seconds: float) -> None:
        until = self._past.delays.get((node, visit))
        if until is None:
            until = self._past.recordings.delays.get((node, visit))
            until = until or (clock.now() + timedelta(seconds=seconds)).isoformat()
            self._tracker.emit(DelayStarted(node, visit, until))
        if self._past.recordings.strict:
            return
        left = (datetime.fromisoformat(until) - clock.now()).total_seconds()
        with self._halt.rest(node, visit):
            await asyncio.sleep(max(left, 0))

    async def workflow(self, name: str, parameters: Mapping[str, Any]) -> GraphDefinition:
        """The version this run is pinned to. Raises NodeError, BadExpression."""
        pinned = self._execution.pins.get(name)
        if pinned is None:
            message = f"When the run was asked for, it was not to run a workflow '{name[:_SHOWN]}'."
            raise NodeError("unknown_workflow", message)
        self._tracker.access.workflows[name] = pinned
        graph = bound_graph(await database.run(version_called, pinned), parameters)
        for unfit in unfit_settings(graph, NODE_TYPES):
            message = f"It cannot run with these parameters: {unfit.path}: {unfit.message}"
            raise NodeError("bad_parameters", message)
        return graph

    async def approval(self, question: ApprovalQuestion) -> Decision | None:
        """What people decided, once it is committed. Raises LeaseLost."""
        return await self._tracker.approvals.decision(question)


def context_of(
    execution: WorkflowExecution, tracker: WorkflowTracker, past: Past, halt: Halt
) -> ExecutionContext:
    """Everything the engine needs for this execution; `halt` is where it may be stopped."""
    graph = bound_graph(execution.version, execution.parameters)
    guard, recordings = guard_of(execution, past), past.recordings
    again = recordings.ended or past.ended
    order = ReplayOrder(past, halt) if again else None
    return ExecutionContext(
        execution_id=execution.id,
        attempt=execution.attempt,
        graph=graph,
        input=execution.input,
        parameters=execution.parameters,
        services=Resources(execution, tracker, past, guard, halt),
        log=tracker,
        guard=guard,
        halt=halt,
        max_depth=settings.CHATTER_GRAPH_LIMITS["workflow_depth"],
        chance=execution.chance,
        edits=tuple(Edit(**edit) for edit in execution.edits),
        shown=debug_view if execution.debug else None,
        wait_to_begin=order.wait_to_begin if order else None,
        items={**recordings.items, **past.items(past.ended, past.failed)},
        passes=lambda error: isinstance(error, AWAY),
    )


def _profile_for(name: str, user_id: UUID) -> ProfileSpec:
    """As its user is now: a run may go on for long. Raises UnknownModel."""
    return resolve_profile(name, User.objects.get(pk=user_id))


async def _spec(key: str) -> Mapping[str, Any]:
    tool = await catalogue.find(key)
    if tool is None or not tool.offered:
        raise NodeError("unknown_tool", f"There is no tool '{key}'.")
    return tool.spec()


@cache
def _history_source() -> Callable[..., History]:
    return import_string(settings.CHATTER_HISTORY)
