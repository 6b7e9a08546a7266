"""Graphs become versions: checked once, stored once by their content."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import transaction

from accounts.models import User
from audit.record import record
from core.errors import Invalid
from workflows.definition.graph import GraphDefinition
from workflows.models import WorkflowDefinition, WorkflowVersion
from workflows.validation import Issue, errors_in, validate


class GraphRefused(Invalid):
    code = "graph_refused"
    message = "The graph cannot run."


def store_version(
    graph: Mapping[str, Any] | None,
    by: User | None = None,
    *,
    params: Collection[str] | None = None,
) -> WorkflowVersion:
    """The version of this graph, new or known, for `by` to use. Raises GraphRefused."""
    refuse(validate(graph, by, params=params))
    definition = GraphDefinition.model_validate(graph)
    version, _ = WorkflowVersion.objects.get_or_create(
        content_hash=definition.content_hash, defaults={"graph": definition.to_json()}
    )
    return version


def refuse(issues: Sequence[Issue]) -> None:
    """Raises GraphRefused with all the issues when one of them is an error."""
    if errors_in(issues):
        raise GraphRefused(errors=[issue.to_json() for issue in issues])


@transaction.atomic
def create_definition(
    *, owner: User, name: str, graph: Mapping[str, Any], description: str = ""
) -> WorkflowDefinition:
    """A new workflow of this owner. Raises GraphRefused."""
    version = store_version(graph, owner)
    definition = WorkflowDefinition.objects.create(
        owner=owner, name=name, description=description, version=version
    )
    detail = {"version": version.content_hash}
    record("workflows.definition.created", actor=owner, target=definition, detail=detail)
    return definition
