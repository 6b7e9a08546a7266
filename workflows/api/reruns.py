"""Run an execution again from what it recorded."""

from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from drf_spectacular.utils import extend_schema
from pydantic import Field

from accounts.authentication import authenticate_request
from accounts.models import User
from core.api import AsyncAPIView, parsed
from core.database import database
from core.idempotency import KEY
from core.models import new_id
from workflows.api.execute import RESPONSES, started_out
from workflows.api.inputs import Body, JsonObject, Text
from workflows.api.starting import Door, Mode, idempotency, start_for
from workflows.engine.edits import Edit
from workflows.models import Rerun
from workflows.selectors import execution_for
from workflows.services.reruns import RerunRequest, start_rerun


class RerunIn(Body):
    """How to watch it; without `debug`, as it was. Without a body: in the background."""

    mode: Mode = "background"
    debug: bool | None = None


class ExecutionForkIn(RerunIn):
    """Where the new execution departs from the old one, and what is different from there on.

    `variables` are set, and `text` replaces what reaches the node. `input` and `parameters` change
    by name; they are the whole run's, so nodes before the fork see them too.
    """

    node: str = Field(min_length=1, max_length=200)
    visit: int = Field(default=1, ge=1, le=1_000_000)
    variables: JsonObject = Field(default_factory=dict)
    text: Text | None = Field(default=None, max_length=1_000_000)
    input: JsonObject = Field(default_factory=dict)
    parameters: JsonObject = Field(default_factory=dict)


class ExecutionReplay(AsyncAPIView):
    """The same run, at no cost: every call is answered as it was recorded, and none is made.

    A call that was not recorded fails it with `not_recorded`. The replay of a conversation's turn
    is a run of its own: the conversation stays as it is.
    """

    @extend_schema(request=RerunIn, parameters=[KEY], responses=RESPONSES)
    async def post(self, request: HttpRequest, pk: str) -> HttpResponseBase:
        user = await authenticate_request(request)
        return await rerun(request, user, pk, Rerun.REPLAY, await parsed(RerunIn, request))


class ExecutionFork(AsyncAPIView):
    """A new execution that repeats the old one up to a visit of a node, and continues from there
    with the changes.
    """

    @extend_schema(request=ExecutionForkIn, parameters=[KEY], responses=RESPONSES)
    async def post(self, request: HttpRequest, pk: str) -> HttpResponseBase:
        user = await authenticate_request(request)
        body = await parsed(ExecutionForkIn, request)
        edit = Edit(body.node, body.visit, body.variables, body.text)
        changed = {"edit": edit, "input": body.input, "parameters": body.parameters}
        return await rerun(request, user, pk, Rerun.FORK, body, **changed)


async def rerun(
    request: HttpRequest, user: User, pk: str, how: Rerun, body: RerunIn, **changed: Any
) -> HttpResponseBase:
    """Start it and watch it as the caller asked."""
    source = await database.run(execution_for, user, pk)
    wanted = rerun_request(request, how, body, **changed)
    key = (user.id, wanted.idempotency_key)
    door = Door(wanted.id, partial(start_rerun, user, source, wanted), started_out, key=key)
    return await start_for(request, user, door, body.mode)


def rerun_request(request: HttpRequest, how: Rerun, body: RerunIn, **changed: Any) -> RerunRequest:
    return RerunRequest(
        id=new_id(),
        how=how,
        request_id=request.request_id,  # type: ignore[attr-defined]
        debug=body.debug,
        **changed,
        **idempotency(request),
    )
