"""The history of a definition: list, look at, compare, publish, restore."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import user_of
from core.listing import Page, ShapeList
from core.shapes import Shape
from workflows.api.definition_shapes import (
    DefinitionWhole,
    VersionOut,
    VersionWhole,
    version_out,
    whole_version,
)
from workflows.api.definitions import definition_response
from workflows.api.revisions import IF_MATCH, if_match
from workflows.definition.diff import difference
from workflows.definition.graph import GraphDefinition
from workflows.models import DefinitionVersion, WorkflowDefinition
from workflows.services.definitions import definition_for
from workflows.services.versions import entry_of, publish_version, restore_version


class SettingChange(Shape):
    """A setting of a node; null stands for a missing value."""

    path: str
    before: Any
    after: Any


class NodeOut(Shape):
    id: str
    type: str
    label: str


class NodeChange(Shape):
    """A node that is in both graphs; paths are `type`, `label` and `config.…`."""

    id: str
    changes: list[SettingChange]


class EdgeOut(Shape):
    source: str
    source_port: str
    target: str


class DifferenceOut(Shape):
    """What changed in a graph; positions do not count."""

    same: bool
    nodes_added: list[NodeOut]
    nodes_removed: list[NodeOut]
    nodes_changed: list[NodeChange]
    edges_added: list[EdgeOut]
    edges_removed: list[EdgeOut]
    reordered: bool


@extend_schema_view(get=extend_schema("definition_versions_list", responses=Page[VersionOut]))
class VersionList(ShapeList):
    """The versions of a workflow, newest first."""

    filter_backends = ()
    shown = staticmethod(version_out)

    def get_queryset(self) -> Any:
        user = user_of(self.request)
        definition = definition_for(user, self.kwargs["pk"])
        return DefinitionVersion.objects.visible_to(user).for_list().filter(definition=definition)


class VersionDetail(GenericAPIView[WorkflowDefinition]):
    @extend_schema(responses=VersionWhole)
    def get(self, request: Request, pk: str, number: int) -> Response:
        return Response(whole_version(_entry(request, pk, number)).to_json())


class VersionPublish(GenericAPIView[WorkflowDefinition]):
    """This version runs from now on."""

    @extend_schema(request=None, parameters=[IF_MATCH], responses=DefinitionWhole)
    def post(self, request: Request, pk: str, number: int) -> Response:
        entry = _entry(request, pk, number)
        changed = publish_version(entry, by=user_of(request), **if_match(request))
        return definition_response(changed)


class VersionRestore(GenericAPIView[WorkflowDefinition]):
    """This version becomes the newest again, under a new number; it runs once it is published."""

    @extend_schema(request=None, parameters=[IF_MATCH], responses=DefinitionWhole)
    def post(self, request: Request, pk: str, number: int) -> Response:
        entry = _entry(request, pk, number)
        changed = restore_version(entry, by=user_of(request), **if_match(request))
        return definition_response(changed)


class VersionDiff(GenericAPIView[WorkflowDefinition]):
    """What changed from one version to another."""

    @extend_schema(responses=DifferenceOut)
    def get(self, request: Request, pk: str, before: int, after: int) -> Response:
        graphs = [
            GraphDefinition.model_validate(_entry(request, pk, number).version.graph)
            for number in (before, after)
        ]
        return Response(DifferenceOut.model_validate(difference(*graphs).to_json()).to_json())


def _entry(request: Request, pk: str, number: int) -> DefinitionVersion:
    return entry_of(definition_for(user_of(request), pk), number)
