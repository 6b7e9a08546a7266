"""Definitions: list, make, look at, change, copy, delete."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from pydantic import Field
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import user_of
from core.api import parse
from core.limits import RunLimits
from core.listing import ListFilter, Page, ShapeList
from core.names import Name
from workflows.api.definition_shapes import (
    DefinitionOut,
    DefinitionWhole,
    definition_out,
    whole_definition,
)
from workflows.api.inputs import Body, Graph, Text
from workflows.api.revisions import IF_MATCH, etag, if_match
from workflows.models import WorkflowDefinition
from workflows.services.definitions import (
    change_definition,
    create_definition,
    definition_for,
    delete_definition,
    fork_definition,
)
from workflows.services.versions import entry_of


class DefinitionIn(Body):
    """A new workflow."""

    name: Name
    description: Text = Field(default="", max_length=10_000)
    graph: Graph
    limits: RunLimits = Field(default_factory=RunLimits)


class DefinitionChange(Body):
    """Sets the given fields. `revision` (or If-Match) is the one you read: 412 if outdated.

    `limits` replace the previous ones.
    """

    name: Name | None = None
    description: Text | None = Field(default=None, max_length=10_000)
    archived: bool | None = None
    graph: Graph | None = None
    limits: RunLimits | None = None
    revision: int | None = None


class ForkIn(Body):
    """Which version to start from, by default the newest."""

    number: int | None = None
    name: Text = Field(default="", max_length=255)


class DefinitionFilter(ListFilter):
    class Meta:
        model = WorkflowDefinition
        fields = ["archived", "name"]


@extend_schema_view(get=extend_schema("definitions_list", responses=Page[DefinitionOut]))
class DefinitionList(ShapeList):
    """Your workflows, newest first."""

    filterset_class = DefinitionFilter
    queryset = WorkflowDefinition.objects.none()
    shown = staticmethod(definition_out)

    def get_queryset(self) -> Any:
        return WorkflowDefinition.objects.visible_to(user_of(self.request)).for_list()

    @extend_schema(request=DefinitionIn, responses={201: DefinitionWhole})
    def post(self, request: Request) -> Response:
        body = parse(DefinitionIn, request)
        made = create_definition(owner=user_of(request), **body.model_dump())
        return definition_response(made, status.HTTP_201_CREATED)


class DefinitionDetail(GenericAPIView[WorkflowDefinition]):
    @extend_schema(responses=DefinitionWhole)
    def get(self, request: Request, pk: str) -> Response:
        return definition_response(definition_for(user_of(request), pk))

    @extend_schema(request=DefinitionChange, parameters=[IF_MATCH], responses=DefinitionWhole)
    def patch(self, request: Request, pk: str) -> Response:
        definition = definition_for(user_of(request), pk)
        changes = parse(DefinitionChange, request).model_dump(exclude_none=True)
        changes |= if_match(request)
        return definition_response(change_definition(definition, by=user_of(request), **changes))

    @extend_schema(parameters=[IF_MATCH], responses={204: None})
    def delete(self, request: Request, pk: str) -> Response:
        definition = definition_for(user_of(request), pk)
        delete_definition(definition, by=user_of(request), **if_match(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class DefinitionFork(GenericAPIView[WorkflowDefinition]):
    """A copy of your own, independent from then on."""

    @extend_schema(request=ForkIn, responses={201: DefinitionWhole})
    def post(self, request: Request, pk: str) -> Response:
        definition = definition_for(user_of(request), pk)
        body = parse(ForkIn, request)
        entry = entry_of(definition, body.number)
        made = fork_definition(entry, by=user_of(request), name=body.name)
        return definition_response(made, status.HTTP_201_CREATED)


def definition_response(definition: WorkflowDefinition, code: int = status.HTTP_200_OK) -> Response:
    """The whole definition, with its revision as the ETag."""
    return Response(whole_definition(definition).to_json(), status=code, headers=etag(definition))
