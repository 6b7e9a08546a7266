"""A user's workflows: made, changed, copied and deleted; their graphs become versions."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.limits import below_the_servers, checked_limits
from accounts.models import User
from audit.changes import changes_for_audit
from audit.record import record
from core.errors import ChatterError, Conflict, Invalid, NotFound
from workflows.definition.graph import GraphDefinition, drawn
from workflows.models import DefinitionVersion, WorkflowDefinition, WorkflowVersion
from workflows.services.revisions import locked_row, save_row
from workflows.validation import Issue, errors_in, validate

# Where people write what they like.
_WORDS = ("name", "description", "layout")


class GraphRefused(Invalid):
    code = "graph_refused"
    message = "The graph cannot run."


class DefinitionNotFound(NotFound):
    code = "definition_not_found"
    message = "There is no such workflow, or it is not yours."


class DefinitionChanged(ChatterError):
    """Somebody else saved first."""

    code = "definition_changed"
    status = 412
    message = "The workflow is at revision {revision} by now; load it and change that."


class DefinitionInUse(Conflict):
    code = "definition_in_use"
    message = "Executions point at this workflow; archive it instead."


def definition_for(user: User, pk: UUID | str) -> WorkflowDefinition:
    """One workflow this user may see. Raises DefinitionNotFound."""
    try:
        found: WorkflowDefinition = (
            WorkflowDefinition.objects.visible_to(user).for_list().get(pk=pk)
        )
    except (WorkflowDefinition.DoesNotExist, ValidationError, ValueError) as error:
        raise DefinitionNotFound from error
    return found


def checked_graph(
    graph: Mapping[str, Any] | None,
    by: User | None = None,
    *,
    params: Collection[str] | None = None,
    within: UUID | None = None,
) -> GraphDefinition:
    """The graph of this JSON, for `by` to use; else as `validate`. Raises GraphRefused."""
    refuse(validate(graph, by, params=params, within=within))
    return GraphDefinition.model_validate(graph)


def refuse(issues: Sequence[Issue]) -> None:
    """Raises GraphRefused with all the issues when one of them is an error."""
    if errors_in(issues):
        raise GraphRefused(errors=[issue.to_json() for issue in issues])


def version_of(graph: GraphDefinition) -> WorkflowVersion:
    """The one version of what this graph runs, new or known."""
    version, _ = WorkflowVersion.objects.get_or_create(
        content_hash=graph.content_hash, defaults={"graph": graph.content}
    )
    return version


def store_version(graph: Mapping[str, Any] | None, by: User | None = None) -> WorkflowVersion:
    """The version of this JSON. Raises GraphRefused."""
    return version_of(checked_graph(graph, by))


def unstored_version(graph: Mapping[str, Any] | None, by: User) -> WorkflowVersion:
    """The same, but nothing is written. Raises GraphRefused."""
    checked = checked_graph(graph, by)
    known = WorkflowVersion.objects.filter(content_hash=checked.content_hash).first()
    return known or WorkflowVersion(content_hash=checked.content_hash, graph=checked.content)


@transaction.atomic
def create_definition(
    *,
    owner: User,
    name: str,
    graph: Mapping[str, Any],
    description: str = "",
    limits: Mapping[str, Any] | None = None,
    act: str = "created",
    detail: Mapping[str, Any] | None = None,
    once: str = "",
) -> WorkflowDefinition:
    """A new workflow of this owner; its first version is published.

    With the same `once` as one that was made before, that one. Raises GraphRefused, InvalidLimits.

    `act` and `detail` tell the audit trail how it came about.
    """
    checked = checked_graph(graph, owner)
    definition = WorkflowDefinition(
        owner=owner,
        name=name,
        description=description,
        version=version_of(checked),
        published=1,
        limits=checked_limits(limits or {}),
        once=once,
    )
    try:
        with transaction.atomic():
            definition.save()
    except IntegrityError:
        before = WorkflowDefinition.objects.filter(owner=owner, once=once).first()
        if not once or before is None:
            raise
        return before
    keep_version(definition, checked, by=owner)
    definition.save(update_fields=["latest"])
    told = {"version": checked.content_hash, **(detail or {})}
    record(f"workflows.definition.{act}", actor=owner, target=definition, detail=told)
    return definition


@transaction.atomic
def change_definition(
    definition: WorkflowDefinition,
    *,
    by: User,
    revision: int | None = None,
    graph: Mapping[str, Any] | None = None,
    limits: Mapping[str, Any] | None = None,
    **fields: Any,
) -> WorkflowDefinition:
    """Set its name, description, limits, whether it is archived; save a graph as a new version.

    What runs changes by publishing only. Nothing is written where nothing differs.
    Raises DefinitionChanged if it is no longer at `revision`, GraphRefused, InvalidLimits.
    """
    if limits is not None:
        fields["limits"] = checked_limits(limits)
    definition = locked(definition, revision)
    before = {name: getattr(definition, name) for name in fields}
    for name, value in fields.items():
        setattr(definition, name, value)
    if graph is not None:
        before |= _newest(definition)
        checked = checked_graph(graph, definition.owner, within=definition.id)
        keep_version(definition, checked, by=by)
        fields |= _newest(definition)
        if fields["graph"] != before["graph"]:
            fields["layout"] = before["layout"]  # another graph is drawn anew
    if before != fields:
        save_change(definition)
        told = changes_for_audit(before, fields, personal=_WORDS, latest=definition.latest)
        record("workflows.definition.changed", actor=by, target=definition, **told)
    return definition


@transaction.atomic
def fork_definition(
    entry: DefinitionVersion, *, by: User, name: str = "", once: str = ""
) -> WorkflowDefinition:
    """A new workflow of `by` that begins with this version of another.

    With the same `once` as one that was made before, that one. Raises GraphRefused.
    """
    source = entry.definition
    return create_definition(
        owner=by,
        name=name or source.name,
        description=source.description,
        limits=below_the_servers(source.limits),
        graph=drawn(entry.version.graph, entry.layout),
        act="forked",
        detail={"from": str(source.id), "number": entry.number},
        once=once,
    )


@transaction.atomic
def delete_definition(
    definition: WorkflowDefinition, *, by: User, revision: int | None = None
) -> None:
    """Delete it with its history.

    Raises DefinitionChanged, DefinitionInUse while executions tell what it did.
    """
    definition = locked(definition, revision)
    if definition.executions.exists():
        raise DefinitionInUse
    record("workflows.definition.deleted", actor=by, target=definition)
    definition.delete()


def _newest(definition: WorkflowDefinition) -> dict[str, Any]:
    """What the newest version is, and how it is drawn."""
    newest = definition.history.select_related("version").order_by("-number").first()
    if newest is None:
        return {}
    return {"graph": newest.version.content_hash, "layout": newest.layout}


def keep_version(
    definition: WorkflowDefinition, graph: GraphDefinition, *, by: User, restored: int | None = None
) -> list[str]:
    """Number this graph as the newest of the history; says what that changed.

    A graph that only is drawn differently than the newest becomes its layout. The caller holds the
    definition's lock and saves it.
    """
    version = version_of(graph)
    newest = definition.history.order_by("-number").first()
    if newest is not None and newest.version_id == version.id:
        if newest.layout == graph.layout:
            return []
        newest.layout = graph.layout
        newest.save(update_fields=["layout"])
        return ["layout"]
    definition.latest += 1
    DefinitionVersion.objects.create(
        definition=definition,
        number=definition.latest,
        version=version,
        layout=graph.layout,
        saved_by=by,
        restored=restored,
    )
    return ["graph"]


def locked(definition: WorkflowDefinition, revision: int | None = None) -> WorkflowDefinition:
    """The row as it is now, locked. Raises DefinitionChanged, DefinitionNotFound."""
    found: WorkflowDefinition = locked_row(
        WorkflowDefinition.objects.for_list(),
        definition.pk,
        revision,
        missing=DefinitionNotFound(),
        changed=DefinitionChanged,
    )
    return found


def save_change(definition: WorkflowDefinition) -> None:
    """Write a locked definition as its next revision."""
    save_row(definition)
