"""From a request to the rows that start an execution: checks, and builds what is committed."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from uuid import UUID

from accounts.models import User
from audit.context import current
from audit.record import entry
from core import clock
from core.errors import Invalid
from llms.services.profiles import resolve_profile
from workflows.definition.expressions import BadExpression
from workflows.definition.graph import GraphDefinition
from workflows.engine.events import ExecutionCreated
from workflows.engine.request import ExecutionRequest
from workflows.limits import kept_limits
from workflows.models import (
    ExecutionKind,
    WorkflowDefinition,
    WorkflowExecution,
    WorkflowTemplate,
    WorkflowVersion,
)
from workflows.parameters import checked
from workflows.registry import NODE_TYPES
from workflows.selectors import bound_graph
from workflows.services.definitions import refuse
from workflows.services.idempotency import Idempotency, as_begun, key_of
from workflows.services.targets import (
    wanted_declaration,
    wanted_definition,
    wanted_template,
    wanted_version,
)
from workflows.services.using import hash_of_template, used_by
from workflows.tracking.facts import Audited, EventsHappened, ExecutionWanted, Fact
from workflows.tracking.frames import frame
from workflows.validation import WorldOf, validate_start


class MissingParameter(Invalid):
    code = "missing_parameter"
    message = "{reason}"


@dataclass(frozen=True, slots=True)
class StartPlan:
    """An execution and the facts to commit with it; `existing` when its key started one before.

    Of those with the same `cause` there is to be one.
    """

    execution: WorkflowExecution
    facts: list[Fact]
    free: bool
    template: str | None
    existing: bool = False
    cause: Hashable = None


@dataclass(frozen=True, slots=True)
class Named:
    """What a graph names, each with a hash of what it was found to be: workflows, and the rest."""

    pins: dict[str, str]
    used: dict[str, str]


def plan_execution(user: User, request: ExecutionRequest, *, stores: bool = True) -> StartPlan:
    """Check a request and build what is to be committed; unless it `stores`, nothing is written.

    Raises TemplateNotFound, DefinitionNotFound, DefinitionArchived, InvalidParameters,
    MissingParameter, UnknownModel, GraphRefused, IdempotencyKeyReused.
    """
    if (existing := plan_before(user, request)) is not None:
        return existing
    template = wanted_template(user, request)
    definition = wanted_definition(user, request)
    version = wanted_version(user, request, template, definition, stores=stores)
    parameters, of_template = request.parameters, {}
    if template is not None:
        declared = wanted_declaration(request, template)
        parameters = checked(declared, request.parameters)
        of_template = hash_of_template(template.slug, declared)
    found = check_graph(version, parameters, user, author=author_of(template, definition))
    execution = WorkflowExecution(
        id=request.id,
        created_at=clock.now(),
        user=user,
        kind=request.kind or _kind(request),
        version=version,
        template_id=template.id if template else None,
        definition_id=definition.id if definition else None,
        retry_of_id=request.retry_of,
        pins=found.pins,
        used={**of_template, **found.used},
        parameters=dict(parameters),
        input=dict(request.input),
        cause=request.cause,
        limits=kept_limits(user, definition),
        request_id=request.request_id,
        serial_key=request.serial_key,
        serial_number=request.serial_number,
        debug=request.debug,
    )
    return start_plan(
        execution,
        request,
        template=template,
        definition=definition,
    )


def start_plan(
    execution: WorkflowExecution,
    request: ExecutionRequest,
    *,
    template: WorkflowTemplate | None,
    definition: WorkflowDefinition | None,
) -> StartPlan:
    """All that is committed with this execution."""
    slug = execution.template_slug
    answers = definition or template
    execution.address = current().address or None
    created = ExecutionCreated(
        kind=execution.kind,
        template=slug,
        definition=definition.name if definition else None,
        workflow=answers.name if answers else None,
        conversation=request.serial_key.removeprefix("conversation:") or None,
        model=str(execution.parameters.get("model") or "") or None,
        source=str(execution.source_id) if execution.source_id else None,
        rerun=execution.rerun,
        request_id=execution.request_id,
        traceparent=current().traceparent,
    )
    cause = (request.user_id, request.idempotency_key) if request.idempotency_key else None
    facts = _facts(execution, request, created)
    return StartPlan(execution, facts, request.free, slug, cause=cause)


def plan_before(user: User, request: ExecutionRequest) -> StartPlan | None:
    """What the request's idempotency key started. Raises IdempotencyKeyReused."""
    asked = Idempotency(idempotency_key=request.idempotency_key, request_hash=request.request_hash)
    known = key_of(user.id, asked)
    return None if known is None else plan_existing(known.execution)


def plan_existing(execution: WorkflowExecution) -> StartPlan:
    """One that was started before."""
    slug = execution.template_slug
    return StartPlan(as_begun(execution), [], free=False, template=slug, existing=True)


def _facts(
    execution: WorkflowExecution, request: ExecutionRequest, created: ExecutionCreated
) -> list[Fact]:
    key = None
    if request.idempotency_key:
        key = {
            "user_id": request.user_id,
            "key": request.idempotency_key,
            "request_hash": request.request_hash,
            "execution_id": execution.id,
        }
    first = frame(execution.id, 1, created.type, execution.created_at, created)
    started = entry(
        "workflows.execution.started",
        actor=request.user_id,
        target=execution,
        detail={
            "kind": execution.kind,
            "version": execution.version.content_hash,
            **({"rerun": execution.rerun} if execution.rerun else {}),
        },
        request_id=execution.request_id,
    )
    return [
        ExecutionWanted(vars(execution), key),
        EventsHappened(execution.id, execution.user_id, execution.serial_key, [first]),
        Audited(started),
    ]


def _kind(request: ExecutionRequest) -> str:
    if request.template:
        return ExecutionKind.TEMPLATE
    if request.definition:
        return ExecutionKind.DEFINITION
    return ExecutionKind.CUSTOM if request.graph is not None else ExecutionKind.CHAT


def check_graph(
    version: WorkflowVersion,
    parameters: Mapping[str, Any],
    user: User,
    pins: Mapping[str, str] = MappingProxyType({}),
    author: UUID | None = None,
) -> Named:
    """The parameters fill every place, and each model named exists, and the whole can run.

    A workflow that it runs is the version that `pins` says, else the newest. `author` is the id of
    the one whose graph it is; None: Chatter's, or the user's own.
    """
    try:
        graph = bound_graph(version, parameters)
    except BadExpression as error:
        raise MissingParameter(reason=str(error)) from error
    for name in _models_of(graph):
        resolve_profile(name, user)
    world = WorldOf(user, pins, author)
    refuse(validate_start(graph, user, world))
    return Named(world.pins, used_by(graph, world))


def author_of(
    template: WorkflowTemplate | None, definition: WorkflowDefinition | None
) -> UUID | None:
    """Whose graph is run: the id; None for a built-in one, and for one that is sent once."""
    owned = template or definition
    return owned.owner_id if owned else None


def _models_of(graph: GraphDefinition) -> set[str]:
    """The models a bound graph asks; the empty name is the default."""
    kinds = [(NODE_TYPES.get(node.type), node.config) for node in graph.nodes]
    asking = [config for kind, config in kinds if kind and "model" in kind.settings()]
    return {str(config.get("model") or "") for config in asking}
