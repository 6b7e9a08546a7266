"""The history of a workflow: which version runs, and how an earlier one comes back."""

from django.db import transaction

from accounts.models import User
from audit.record import record
from core.errors import NotFound
from workflows.definition.graph import drawn
from workflows.models import DefinitionVersion, WorkflowDefinition
from workflows.services.definitions import checked_graph, keep_version, locked, save_change


class VersionNotFound(NotFound):
    code = "version_not_found"
    message = "This workflow has no version {number}."


def entry_of(definition: WorkflowDefinition, number: int | None = None) -> DefinitionVersion:
    """Number n of its history, by default the newest. Raises VersionNotFound."""
    wanted = definition.latest if number is None else number
    found: DefinitionVersion | None = (
        DefinitionVersion.objects.for_list().filter(definition=definition, number=wanted).first()
    )
    if found is None:
        raise VersionNotFound(number=wanted)
    return found


@transaction.atomic
def publish_version(
    entry: DefinitionVersion, *, by: User, revision: int | None = None
) -> WorkflowDefinition:
    """From now on this version runs; executions that have begun keep theirs.

    The graph is checked again: what it needs may be gone since it was saved. Raises GraphRefused,
    DefinitionChanged.
    """
    checked_graph(entry.version.graph, entry.definition.owner, within=entry.definition_id)
    definition = locked(entry.definition, revision)
    if definition.published != entry.number:
        definition.version, definition.published = entry.version, entry.number
        save_change(definition)
        detail = {"number": entry.number, "version": entry.version.content_hash}
        record("workflows.definition.published", actor=by, target=definition, detail=detail)
    return definition


@transaction.atomic
def restore_version(
    entry: DefinitionVersion, *, by: User, revision: int | None = None
) -> WorkflowDefinition:
    """This version's graph becomes the newest again, under a new number.

    Raises GraphRefused, DefinitionChanged.
    """
    drawn_again = drawn(entry.version.graph, entry.layout)
    graph = checked_graph(drawn_again, entry.definition.owner, within=entry.definition_id)
    definition = locked(entry.definition, revision)
    if keep_version(definition, graph, by=by, restored=entry.number):
        save_change(definition)
        detail = {"number": entry.number, "latest": definition.latest}
        record("workflows.definition.restored", actor=by, target=definition, detail=detail)
    return definition
