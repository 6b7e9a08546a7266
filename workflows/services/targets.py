"""What a request asks to run: a template, a workflow, or a graph sent once."""

import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from accounts.models import User
from core.errors import Conflict, NotFound
from core.prepared import PreparedQuery
from workflows.engine.request import ExecutionRequest
from workflows.models import WorkflowDefinition, WorkflowTemplate, WorkflowVersion
from workflows.querysets import DefinitionQuerySet
from workflows.selectors import kept_version
from workflows.services.definitions import DefinitionNotFound, store_version, unstored_version

UNIVERSAL_CHAT = "universal_chat"
_BUILT_IN_FOR_S = 2.0


class TemplateNotFound(NotFound):
    code = "template_not_found"
    message = "There is no template '{template}', or it is not yours."


class DefinitionArchived(Conflict):
    code = "definition_archived"
    message = "This workflow is archived; take it out of the archive to run it."


def wanted_template(user: User, request: ExecutionRequest) -> WorkflowTemplate | None:
    """The template that is asked for, else the plain chat's. Raises TemplateNotFound."""
    if request.definition or request.graph is not None:
        return None
    return template_called(request.template or UNIVERSAL_CHAT, user)


def template_called(name: str, user: User) -> WorkflowTemplate:
    """A template that this user may run, by slug or id. Raises TemplateNotFound."""
    found = built_in(name)
    if found is None:
        seen = WorkflowTemplate.objects.visible_to(user).called(name, user)
        found = seen.select_related("version").first()
    if found is None:
        raise TemplateNotFound(template=name)
    return found


_built_ins: dict[str, tuple[float, WorkflowTemplate | None]] = {}


def built_in(slug: str) -> WorkflowTemplate | None:
    """A built-in template with its version; up to two seconds old."""
    found = _built_ins.get(slug)
    if found is None or found[0] < time.monotonic():
        templates = WorkflowTemplate.objects.filter(owner=None, slug=slug)
        found = (time.monotonic() + _BUILT_IN_FOR_S, templates.select_related("version").first())
        if found[1] is not None:
            _built_ins[slug] = found
    return found[1]


def wanted_definition(user: User, request: ExecutionRequest) -> WorkflowDefinition | None:
    """The published workflow that is asked for. Raises DefinitionNotFound, DefinitionArchived."""
    if request.definition is None:
        return None
    found = _published[user.is_staff].rows(user.pk, request.definition)
    if not found:
        raise DefinitionNotFound
    if found[0].archived:
        raise DefinitionArchived
    return found[0]


def _published_for(*, staff: bool) -> PreparedQuery[WorkflowDefinition]:
    def compose(user_id: UUID, definition_id: UUID) -> DefinitionQuerySet:
        seen = WorkflowDefinition.objects.visible_to(User(pk=user_id, is_staff=staff))
        return seen.filter(pk=definition_id, version__isnull=False).order_by()

    return PreparedQuery(compose, ids=2)


_published = {staff: _published_for(staff=staff) for staff in (False, True)}


def wanted_declaration(request: ExecutionRequest, template: WorkflowTemplate) -> Mapping[str, Any]:
    """The parameters that there are, and their defaults."""
    return template.parameters if request.declared is None else request.declared


def wanted_version(
    user: User,
    request: ExecutionRequest,
    template: WorkflowTemplate | None,
    definition: WorkflowDefinition | None,
    *,
    stores: bool,
) -> WorkflowVersion:
    """The graph that is to run; one sent once is kept, if it `stores`. Raises GraphRefused."""
    if request.version is not None:
        return kept_version(request.version)
    if template is not None:
        return template.version
    if definition is not None and definition.version_id is not None:
        return kept_version(definition.version_id)
    return (store_version if stores else unstored_version)(request.graph, user)
