"""What the API says of definitions and their histories."""

from datetime import datetime
from typing import Any
from uuid import UUID

from core.shapes import Shape
from workflows.api.validation import IssueOut
from workflows.definition.graph import drawn
from workflows.limits import limits_for
from workflows.models import DefinitionVersion, WorkflowDefinition
from workflows.services.versions import entry_of
from workflows.validation import validate


class DefinitionOut(Shape):
    """A workflow. `published` is the number of the version that runs, `latest` of the newest.

    `limits` are the most that its runs may use, where that is less than the server allows.
    """

    id: UUID
    name: str
    description: str
    owner: str
    archived: bool
    limits: dict[str, Any]
    latest: int
    published: int
    version: UUID | None
    revision: int
    created_at: datetime
    updated_at: datetime


class DefinitionWhole(DefinitionOut):
    """With the newest graph and its issues."""

    graph: dict[str, Any]
    issues: list[IssueOut]


class VersionOut(Shape):
    """One entry of a history; `restored` names the number it brought back."""

    number: int
    version: UUID
    content_hash: str
    published: bool
    restored: int | None
    saved_by: str | None
    created_at: datetime


class VersionWhole(VersionOut):
    """With its graph, drawn as it was."""

    graph: dict[str, Any]


def definition_out(definition: WorkflowDefinition) -> DefinitionOut:
    """From a row of `for_list()`."""
    return DefinitionOut(**_shown(definition))


def whole_definition(definition: WorkflowDefinition) -> DefinitionWhole:
    """The same with its newest graph; reads it."""
    graph = graph_of(entry_of(definition))
    return DefinitionWhole(**_shown(definition), graph=graph, issues=_issues(definition, graph))


def _issues(definition: WorkflowDefinition, graph: Any) -> list[IssueOut]:
    limits = limits_for(definition.owner, definition)
    found = validate(graph, definition.owner, within=definition.id, limits=limits)
    return [IssueOut(**issue.to_json()) for issue in found]


def graph_of(entry: DefinitionVersion) -> dict[str, Any]:
    """The graph of an entry, drawn as it was."""
    return drawn(entry.version.graph, entry.layout)


def version_out(entry: DefinitionVersion) -> VersionOut:
    """From a row of `for_list()`."""
    return VersionOut(**_version_fields(entry))


def whole_version(entry: DefinitionVersion) -> VersionWhole:
    return VersionWhole(**_version_fields(entry), graph=graph_of(entry))


def _shown(definition: WorkflowDefinition) -> dict[str, Any]:
    return {
        "id": definition.id,
        "name": definition.name,
        "description": definition.description,
        "owner": definition.owner.username,
        "archived": definition.archived,
        "limits": definition.limits,
        "latest": definition.latest,
        "published": definition.published,
        "version": definition.version_id,
        "revision": definition.revision,
        "created_at": definition.created_at,
        "updated_at": definition.updated_at,
    }


def _version_fields(entry: DefinitionVersion) -> dict[str, Any]:
    return {
        "number": entry.number,
        "version": entry.version_id,
        "content_hash": entry.version.content_hash,
        "published": entry.number == entry.definition.published,
        "restored": entry.restored,
        "saved_by": entry.saved_by.username if entry.saved_by else None,
        "created_at": entry.created_at,
    }
