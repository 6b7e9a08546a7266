"""Run a definition, a template, or a graph sent once: waited for, streamed, or worked on behind."""

from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponseBase
from drf_spectacular.utils import extend_schema
from pydantic import Field

from accounts.authentication import authenticate_request
from accounts.models import User
from core.api import AsyncAPIView, parsed
from core.idempotency import KEY
from core.models import new_id
from workflows.api.inputs import Body, Graph, JsonObject
from workflows.api.shapes import ExecutionStarted, execution_out
from workflows.api.starting import Door, Mode, idempotency, start_for
from workflows.api.streaming import STREAM
from workflows.engine.request import ExecutionRequest
from workflows.services.definitions import DefinitionNotFound
from workflows.services.executions import start_execution
from workflows.services.planning import StartPlan, plan_execution

RESPONSES: dict[Any, Any] = {**STREAM, 201: ExecutionStarted, 202: ExecutionStarted}


class ExecuteIn(Body):
    """The input of the run: `input.message` is the text that leaves its start.

    With `debug`, its log also has the input and output of each node.
    """

    input: JsonObject = Field(default_factory=dict)
    parameters: JsonObject = Field(default_factory=dict)
    mode: Mode = "wait"
    debug: bool = False


class ExecuteGraphIn(ExecuteIn):
    """With the graph itself, which is kept on this execution only."""

    graph: Graph


class DefinitionExecute(AsyncAPIView):
    """Run the published version. `mode` wait: 201 with the output, or 202 once it waits for people
    or the server stops; stream: the events; background: 202.
    """

    @extend_schema(request=ExecuteIn, parameters=[KEY], responses=RESPONSES)
    async def post(self, request: HttpRequest, pk: str) -> HttpResponseBase:
        user = await authenticate_request(request)
        return await _execute(request, user, await parsed(ExecuteIn, request), definition=_id(pk))


class TemplateExecute(AsyncAPIView):
    """Run a template with your own parameters."""

    @extend_schema(request=ExecuteIn, parameters=[KEY], responses=RESPONSES)
    async def post(self, request: HttpRequest, pk: str) -> HttpResponseBase:
        user = await authenticate_request(request)
        return await _execute(request, user, await parsed(ExecuteIn, request), template=pk)


class GraphExecute(AsyncAPIView):
    """Run a graph once, without creating a definition."""

    @extend_schema(request=ExecuteGraphIn, parameters=[KEY], responses=RESPONSES)
    async def post(self, request: HttpRequest) -> HttpResponseBase:
        user = await authenticate_request(request)
        body = await parsed(ExecuteGraphIn, request)
        return await _execute(request, user, body, graph=body.graph)


async def _execute(
    request: HttpRequest, user: User, body: ExecuteIn, **what: Any
) -> HttpResponseBase:
    asked = ExecutionRequest(
        id=new_id(),
        user_id=user.id,
        request_id=request.request_id,  # type: ignore[attr-defined]
        input=body.input,
        parameters=body.parameters,
        debug=body.debug,
        **what,
        **idempotency(request),
    )
    key = (user.id, asked.idempotency_key)
    door = Door(asked.id, partial(_begin, user, asked), started_out, key=key)
    return await start_for(request, user, door, body.mode)


async def _begin(user: User, asked: ExecutionRequest) -> StartPlan:
    return await start_execution(partial(plan_execution, user, asked))


def started_out(plan: StartPlan, ended: Mapping[str, Any] | None) -> ExecutionStarted:
    """The execution as it began, or as it ended."""
    shown = execution_out(plan.execution, template=plan.template, ended=ended)
    return ExecutionStarted(execution=shown)


def _id(pk: str) -> UUID:
    try:
        return UUID(pk)
    except ValueError as error:
        raise DefinitionNotFound from error
