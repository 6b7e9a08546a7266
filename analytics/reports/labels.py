"""What people call the groups of a report."""

from collections.abc import Collection
from uuid import UUID

from accounts.models import User
from workflows.models import DefinitionVersion, WorkflowDefinition, WorkflowTemplate


def labels(by: str, keys: Collection[str], reader: User) -> dict[str, str]:
    """Names of what the reader may see, by group; a group without one is shown by its key."""
    if by == "template":
        templates = WorkflowTemplate.objects.visible_to(reader).filter(pk__in=keys)
        return {str(pk): name for pk, name in templates.values_list("pk", "name")}
    if by == "definition":
        return _definitions(keys, reader)
    if by == "version":
        return _versions(keys, reader)
    if by == "user":
        users = User.objects.filter(pk__in=keys)
        return {str(pk): name for pk, name in users.values_list("pk", "username")}
    return {}


def _definitions(keys: Collection[str], reader: User) -> dict[str, str]:
    rows = WorkflowDefinition.objects.visible_to(reader).filter(pk__in=keys)
    return {str(pk): name for pk, name in rows.values_list("pk", "name")}


def _versions(keys: Collection[str], reader: User) -> dict[str, str]:
    """A graph may stand several times in a history: the newest number names it."""
    names = _definitions({key.partition(":")[0] for key in keys}, reader)
    rows = DefinitionVersion.objects.filter(definition__in=map(UUID, names)).order_by("number")
    return {
        f"{definition}:{version}": f"{names[str(definition)]} {number}"
        for definition, version, number in rows.values_list("definition_id", "version_id", "number")
    }
