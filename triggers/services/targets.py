"""What a trigger of somebody may run, checked as a start of theirs is."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.conf import settings

from accounts.models import User
from core.errors import ChatterError, Conflict, Invalid, Refused
from core.models import new_id
from triggers.models.target import Target
from workflows.engine.request import ExecutionRequest
from workflows.models import WorkflowDefinition, WorkflowTemplate
from workflows.services.definitions import definition_for
from workflows.services.planning import StartPlan, plan_execution
from workflows.services.targets import template_called


class OneTarget(Invalid):
    code = "one_target"
    message = "Name a template or a definition: one of them."


class TooManyTriggers(Conflict):
    code = "too_many_triggers"
    message = "At most {most} of these are allowed; delete one first."


class TargetGone(Conflict):
    """What was to run is no more."""

    code = "target_gone"
    message = "What this ran has been deleted."


class OwnerInactive(Refused):
    code = "owner_inactive"
    message = "The account that this runs for has been deactivated."


PAUSING: tuple[type[ChatterError], ...] = (OwnerInactive, TargetGone)

Found = tuple[WorkflowDefinition | None, WorkflowTemplate | None]


def found_target(owner: User, definition: UUID | None, template: str | None) -> Found:
    """What the owner may run. Raises OneTarget, DefinitionNotFound, TemplateNotFound."""
    if bool(definition) == bool(template):
        raise OneTarget
    if definition:
        return definition_for(owner, definition), None
    return None, template_called(template or "", owner)


def planned(
    owner: User, target: Target, given: Mapping[str, Any], **request: Any
) -> tuple[StartPlan, UUID]:
    """The plan of an execution of this target with this input, and its id.

    Raises OwnerInactive, TargetGone, and what `plan_execution` raises.
    """
    if not owner.is_active:
        raise OwnerInactive
    if target.target is None:
        raise TargetGone
    wanted = ExecutionRequest(
        id=request.pop("id", None) or new_id(),
        user_id=owner.id,
        input=given,
        template=str(target.template_id or ""),
        definition=target.definition_id,
        parameters=target.parameters,
        **request,
    )
    return plan_execution(owner, wanted), wanted.id


def refuse_more(owner: User, triggers: Any) -> None:
    """`triggers` are those of one kind. Raises TooManyTriggers.

    The caller has locked the owner, so that two do not both take the last place.
    """
    most = settings.CHATTER_TRIGGERS["per_user"]
    if triggers.filter(owner=owner).count() >= most:
        raise TooManyTriggers(most=most)


def locked_owner(owner: User) -> User:
    """The owner's row, locked until the transaction ends."""
    found: User = User.objects.select_for_update(of=("self",), no_key=True).get(pk=owner.pk)
    return found
