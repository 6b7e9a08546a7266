"""Workflows leave as files and come in as new ones."""

from dataclasses import replace
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.limits import server_limits, within_the_servers
from accounts.models import User
from audit.record import record
from core.errors import Invalid
from llms.models import ModelProfile
from workflows.definition.graph import drawn
from workflows.interchange.foreign import Known
from workflows.interchange.package import packed
from workflows.interchange.reading import read
from workflows.interchange.report import Imported, Unreadable
from workflows.models import DefinitionVersion, WorkflowDefinition
from workflows.registry import NODE_TYPES
from workflows.services.definitions import GraphRefused, create_definition
from workflows.validation.bounds import Limits
from workflows.validation.world import WorldOf

_LIMIT_LEFT_OUT = "The limit '{}' was left out: it allows more than the server's, which holds."


class FileUnreadable(Invalid):
    code = "file_unreadable"
    message = "{reason}"


@transaction.atomic
def export_version(entry: DefinitionVersion, *, by: User) -> dict[str, Any]:
    """One version as the content of a file: references only, for no saved graph holds a secret."""
    definition = entry.definition
    graph = drawn(entry.version.graph, entry.layout)
    detail = {"number": entry.number, "version": entry.version.content_hash}
    record("workflows.definition.exported", actor=by, target=definition, detail=detail)
    return packed(definition.name, definition.description, graph, definition.limits)


def import_definition(
    value: Any, *, owner: User, once: str = ""
) -> tuple[WorkflowDefinition, Imported]:
    """A new workflow of this owner from a file's value, and what became of its nodes.

    Runs nothing and touches no other workflow; with the same `once` it is made once.
    Raises FileUnreadable, GraphRefused with the report.
    """
    profiles = ModelProfile.objects.usable_by(owner).values_list("provider__name", "model")
    models = {f"{one}:{model}" for one, model in profiles}
    limits = Limits(**settings.CHATTER_GRAPH_LIMITS)
    try:
        imported = read(value, Known(models, NODE_TYPES.keys(), limits, WorldOf(owner)))
    except Unreadable as error:
        raise FileUnreadable(reason=str(error)) from error
    above = imported.limits.above(server_limits())
    imported = replace(imported, notes=(*imported.notes, *map(_LIMIT_LEFT_OUT.format, above)))
    try:
        made = create_definition(
            owner=owner,
            name=imported.name,
            description=imported.description,
            graph=imported.graph,
            limits=within_the_servers(imported.limits),
            act="imported",
            detail={"source": imported.source},
            once=once,
        )
    except GraphRefused as error:
        raise GraphRefused(**error.detail, report=imported.report()) from error
    return made, imported
