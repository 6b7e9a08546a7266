"""Run an execution again from what it recorded: retry, replay, fork."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from uuid import UUID

from accounts.models import User
from core import clock
from core.errors import Conflict, Invalid, Refused
from workflows.definition.graph import GraphDefinition
from workflows.engine.edits import Edit
from workflows.engine.request import ExecutionRequest
from workflows.limits import kept_limits
from workflows.models import (
    ExecutionStatus,
    Rerun,
    WorkflowDefinition,
    WorkflowExecution,
    WorkflowTemplate,
)
from workflows.parameters import checked
from workflows.services.definitions import DefinitionNotFound
from workflows.services.executions import start_execution
from workflows.services.planning import StartPlan, author_of, check_graph, plan_before, start_plan
from workflows.services.targets import TemplateNotFound
from workflows.tracking.past import past_of
from workflows.tracking.sources import began

RETRIED = frozenset({ExecutionStatus.FAILED, ExecutionStatus.CANCELLED})


class ExecutionUnderWay(Conflict):
    code = "execution_under_way"
    message = "The execution is {status}; wait until it is over, or stop it."


class NothingFailed(Conflict):
    code = "nothing_failed"
    message = "The execution is {status}: only one that failed or was cancelled is tried again."


class NodeNotVisited(Invalid):
    code = "node_not_visited"
    message = "The execution made no visit {visit} of a node '{node}'."


class NotYourExecution(Refused):
    code = "not_your_execution"
    message = "Only the one whose execution it is may retry or fork it; a replay asks nobody."


@dataclass(frozen=True, slots=True)
class RerunRequest:
    """How to run it again. What is None stays as it was; input and parameters change by name.

    `serial_key` and its companions are as in ExecutionRequest: without them it runs by itself.
    """

    id: UUID
    how: Rerun
    request_id: str
    edit: Edit | None = None
    input: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    debug: bool | None = None
    serial_key: str = ""
    serial_number: int = 0
    free: bool = True
    idempotency_key: str = ""
    request_hash: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """What an execution ran, where the one whose it is may see it now."""

    template: WorkflowTemplate | None
    definition: WorkflowDefinition | None


async def start_rerun(user: User, source: WorkflowExecution, wanted: RerunRequest) -> StartPlan:
    """Commit the new execution and see that it runs. Raises what `plan_rerun` raises."""
    return await start_execution(partial(plan_rerun, user, source, wanted))


def plan_rerun(user: User, source: WorkflowExecution, wanted: RerunRequest) -> StartPlan:
    """A new execution of what `source` ran: the same version, parameters and input.

    It is of the one whose execution `source` is, who alone may ask for calls to be made anew.
    Whether it still can run is looked at as with any start, but for a replay, which asks nothing.
    Raises NotYourExecution, ExecutionUnderWay, NothingFailed, NodeNotVisited, IdempotencyKeyReused,
    and for a retry or a fork TemplateNotFound and DefinitionNotFound for what its owner may no
    longer see, and what `check_graph` raises.
    """
    if wanted.how != Rerun.REPLAY:
        refuse_stranger(user, source)
    seen = _seen(source)
    wanted = replace(wanted, input=_input(source, wanted))
    request = _request(user, source, wanted, seen.template)
    if (existing := plan_before(user, request)) is not None:
        return existing
    _refuse(source, wanted.how)
    edits = _edits(source, wanted.edit)
    execution = _copied(source, request)
    if wanted.how != Rerun.REPLAY:
        _refuse_withdrawn(source, seen)
        pins = _pins_seen(source)
        author = author_of(seen.template, seen.definition)
        found = check_graph(source.version, request.parameters, user, pins, author)
        execution.pins = {**found.pins, **pins}
        execution.used = {**source.used, **found.used}  # what is asked anew is as it is now
    execution.rerun, execution.edits = wanted.how, edits
    return start_plan(execution, request, template=seen.template, definition=seen.definition)


def refuse_stranger(user: User, source: WorkflowExecution) -> None:
    """What is called anew is called with the secrets, tools and limits of the one who runs it."""
    if user.id != source.user_id:
        raise NotYourExecution


def _seen(source: WorkflowExecution) -> Seen:
    templates = WorkflowTemplate.objects.visible_to(source.user)
    definitions = WorkflowDefinition.objects.visible_to(source.user)
    return Seen(
        templates.filter(pk=source.template_id).first(),
        definitions.filter(pk=source.definition_id).first(),
    )


def _refuse_withdrawn(source: WorkflowExecution, seen: Seen) -> None:
    """What was deleted is kept as it ran; what is there is its owner's to withhold."""
    if source.template_id is not None and seen.template is None:
        raise TemplateNotFound(template=str(source.template_id))
    if source.definition_id is not None and seen.definition is None:
        raise DefinitionNotFound


def _pins_seen(source: WorkflowExecution) -> dict[str, str]:
    """Without those of workflows that are there, but not to be seen: they are looked up anew."""
    there = WorkflowDefinition.objects.filter(pk__in={_id(name) for name in source.pins})
    seen = WorkflowDefinition.objects.visible_to(source.user)
    hidden = set(map(str, there.exclude(pk__in=seen.values("pk")).values_list("pk", flat=True)))
    return {name: pin for name, pin in source.pins.items() if _id(name) not in hidden}


def _id(name: str) -> str:
    return name.partition("@")[0]


def _request(
    user: User,
    source: WorkflowExecution,
    wanted: RerunRequest,
    template: WorkflowTemplate | None,
) -> ExecutionRequest:
    return ExecutionRequest(
        id=wanted.id,
        user_id=user.id,
        request_id=wanted.request_id,
        kind=source.kind,
        input=wanted.input,
        parameters=_parameters(source, template, wanted.parameters),
        cause=wanted.how,
        serial_key=wanted.serial_key,
        serial_number=wanted.serial_number,
        free=wanted.free,
        retry_of=source.id if wanted.how == Rerun.RETRY else None,
        debug=source.debug if wanted.debug is None else wanted.debug,
        idempotency_key=wanted.idempotency_key,
        request_hash=wanted.request_hash,
    )


def _copied(source: WorkflowExecution, request: ExecutionRequest) -> WorkflowExecution:
    """What it ran stays what it was, even where a template or a definition has changed since."""
    return WorkflowExecution(
        id=request.id,
        created_at=clock.now(),
        user=source.user,
        kind=source.kind,
        version=source.version,
        template_id=source.template_id,
        definition_id=source.definition_id,
        retry_of_id=request.retry_of,
        source_id=source.id,
        chance=source.chance or source.id,
        pins=dict(source.pins),
        used=dict(source.used),
        limits=kept_limits(source.user, source.definition),
        parameters=dict(request.parameters),
        input=dict(request.input),
        cause=request.cause,
        request_id=request.request_id,
        serial_key=request.serial_key,
        serial_number=request.serial_number,
        debug=request.debug,
    )


def _refuse(source: WorkflowExecution, how: Rerun) -> None:
    if not source.over:
        raise ExecutionUnderWay(status=source.status)
    if how == Rerun.RETRY and source.status not in RETRIED:
        raise NothingFailed(status=source.status)


def _input(source: WorkflowExecution, wanted: RerunRequest) -> Mapping[str, Any]:
    """The text that reaches a start is the message of the input."""
    edit = wanted.edit
    said = {}
    if edit is not None and edit.text is not None and _is_start(source, edit.node):
        said = {"message": edit.text}
    return {**source.input, **wanted.input, **said}


def _is_start(source: WorkflowExecution, node: str) -> bool:
    found = GraphDefinition.model_validate(source.version.graph).by_id.get(node)
    return found is not None and found.type == "start"


def _parameters(
    source: WorkflowExecution, template: WorkflowTemplate | None, given: Mapping[str, Any]
) -> Mapping[str, Any]:
    if not given or template is None:
        return {**source.parameters, **given}
    return checked(template.parameters, {**source.parameters, **given})


def _edits(source: WorkflowExecution, edit: Edit | None) -> Sequence[Mapping[str, Any]]:
    """The edits that made the source what it was, as far as it is repeated, and the new one."""
    if edit is None:
        return list(source.edits)
    past = past_of(source.id)
    at = began(past, edit.node, edit.visit)
    if at < 0:
        raise NodeNotVisited(node=edit.node, visit=edit.visit)
    before = [one for one in source.edits if 0 <= began(past, one["node"], one["visit"]) <= at]
    new = {"node": edit.node, "visit": edit.visit, "variables": edit.variables, "text": edit.text}
    return [*before, new]
