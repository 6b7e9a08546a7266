"""What a run is given: its bound graph, the door to models, its conversation, its clock."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from core import clock
from core.database import database
from llms.metering import Answer, CallRequest, ask
from llms.profiles import ProfileSpec
from llms.services.profiles import kept_profile, resolve_profile
from tools.asking import ToolRequest
from tools.base import Tool
from tools.calling import call_tool
from tools.permissions import GrantedPermissions
from tools.registry import tools
from workflows.definition.graph import GraphDefinition
from workflows.engine.context import (
    ExecutionContext,
    History,
    Question,
    ToolQuestion,
    ToolReply,
)
from workflows.engine.errors import NodeError
from workflows.engine.events import DelayStarted
from workflows.models import WorkflowExecution
from workflows.selectors import bound_graph, version_called
from workflows.tracking.past import Past
from workflows.tracking.tracker import WorkflowTracker

_SHOWN = 80


class Resources:
    """Implements `engine.context.Services` for one execution."""

    def __init__(self, execution: WorkflowExecution, tracker: WorkflowTracker, past: Past) -> None:
        self._execution = execution
        self._tracker = tracker
        self._past = past

    async def ask(self, question: Question) -> Answer:
        """Ask through the metering door; what failed for good before fails again, unasked.

        Raises ProviderError, NodeError.
        """
        execution = self._execution
        failure = self._past.failures.get((question.node, question.visit, question.call))
        if failure is not None:
            raise NodeError(*failure)
        request = CallRequest(
            profile=await self._profile(question.model),
            messages=question.messages,
            purpose=question.purpose,
            origin=execution.origin,
            node=question.node,
            visit=question.visit,
            call_index=question.call,
            user_id=execution.user_id,
            request_id=execution.request_id,
            parameters=question.parameters,
            timeout_s=question.timeout_s or settings.CHATTER_MODEL_TIMEOUT_S,
            tools=[_tool(key).spec() for key in question.tools],
        )
        return await ask(request, self._tracker.calls)

    async def _profile(self, name: str) -> ProfileSpec:
        execution = self._execution
        if (kept := kept_profile(name, execution.user_id)) is not None:
            return kept
        return await database.run(resolve_profile, name, execution.user)

    async def call_tool(self, question: ToolQuestion) -> ToolReply:
        """Call through the tools' door, for the user the run belongs to."""
        execution = self._execution
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
        )
        return await call_tool(request, self._tracker.tool_calls, GrantedPermissions())

    async def history(self) -> History:
        """The conversation before this turn; the first of a series has none."""
        if self._execution.serial_number <= 1:
            return History()
        return await database.run(_history_source(), self._execution)

    async def sleep(self, node: str, visit: int, seconds: float) -> None:
        until = self._past.delays.get((node, visit))
        if until is None:
            until = (clock.now() + timedelta(seconds=seconds)).isoformat()
            self._tracker.emit(DelayStarted(node, visit, until))
        left = (datetime.fromisoformat(until) - clock.now()).total_seconds()
        await asyncio.sleep(max(left, 0))

    async def workflow(self, name: str, parameters: Mapping[str, Any]) -> GraphDefinition:
        """The version this run is pinned to. Raises NodeError, BadExpression."""
        pinned = self._execution.pins.get(name)
        if pinned is None:
            message = f"There was no workflow '{name[:_SHOWN]}' when the run was asked for."
            raise NodeError("unknown_workflow", message)
        return bound_graph(await database.run(version_called, pinned), parameters)


def context_of(
    execution: WorkflowExecution, tracker: WorkflowTracker, past: Past
) -> ExecutionContext:
    """Everything the engine needs for this execution."""
    graph = bound_graph(execution.version, execution.parameters)
    return ExecutionContext(
        execution_id=execution.id,
        attempt=execution.attempt,
        graph=graph,
        input=execution.input,
        parameters=execution.parameters,
        services=Resources(execution, tracker, past),
        log=tracker,
        max_steps=settings.CHATTER_MAX_STEPS,
        max_depth=settings.CHATTER_GRAPH_LIMITS["workflow_depth"],
    )


def _tool(key: str) -> Tool[Any]:
    tool: Tool[Any] | None = tools.get(key)
    if tool is None:
        raise NodeError("unknown_tool", f"There is no tool '{key}'.")
    return tool


@cache
def _history_source() -> Callable[[WorkflowExecution], History]:
    return import_string(settings.CHATTER_HISTORY)
