"""Templates: list, make, look at, change, delete, and turn into workflows and back."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema, extend_schema_view
from pydantic import Field
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import user_of
from core.api import parse
from core.listing import ListFilter, Page, ShapeList
from core.names import Name
from core.shapes import Shape
from workflows.api.definition_shapes import DefinitionWhole
from workflows.api.definitions import definition_response
from workflows.api.inputs import Body, Graph, JsonObject, Text
from workflows.api.revisions import IF_MATCH, etag, if_match
from workflows.definition.graph import drawn
from workflows.models import WorkflowDefinition, WorkflowTemplate
from workflows.services.definitions import definition_for
from workflows.services.templates import (
    change_template,
    create_template,
    definition_from_template,
    delete_template,
    template_for,
    template_from_definition,
)
from workflows.services.versions import entry_of

SLUG = r"^[-a-zA-Z0-9_]*$"


class TemplateOut(Shape):
    """A template; `parameters` is a JSON schema with defaults."""

    id: UUID
    slug: str
    name: str
    description: str
    category: str
    built_in: bool
    public: bool
    owner: str | None
    parameters: dict[str, Any]
    graph: dict[str, Any]
    version: UUID
    revision: int


def template_out(template: WorkflowTemplate) -> TemplateOut:
    """From a row of `for_list()`."""
    return TemplateOut(
        id=template.id,
        slug=template.slug,
        name=template.name,
        description=template.description,
        category=template.category,
        built_in=template.built_in,
        public=template.public,
        owner=template.owner.username if template.owner else None,
        parameters=template.parameters,
        graph=drawn(template.version.graph, template.layout),
        version=template.version_id,
        revision=template.revision,
    )


class TemplateFields(Body):
    description: Text = Field(default="", max_length=10_000)
    category: Text = Field(default="general", min_length=1, max_length=40)
    public: bool = False


class TemplateIn(TemplateFields):
    """A new template. `parameters` is a JSON schema with defaults; without it, each parameter that
    the graph names is required and may be anything. Without a `slug`, a free one is made from the
    name.
    """

    name: Name
    slug: str = Field(default="", max_length=80, pattern=SLUG)
    parameters: JsonObject | None = None
    graph: Graph


class TemplateChange(Body):
    """Sets the given fields. `revision` (or If-Match) is the one you read: 412 if outdated."""

    name: Name | None = None
    slug: str | None = Field(default=None, min_length=1, max_length=80, pattern=SLUG)
    description: Text | None = Field(default=None, max_length=10_000)
    category: Text | None = Field(default=None, min_length=1, max_length=40)
    public: bool | None = None
    parameters: JsonObject | None = None
    graph: Graph | None = None
    revision: int | None = None


class DefinitionOfTemplateIn(Body):
    """`parameters` are filled in, over the defaults; with null they stay parameters."""

    name: Text = Field(default="", max_length=255)
    description: Text | None = Field(default=None, max_length=10_000)
    parameters: JsonObject | None = Field(default_factory=dict)


class TemplateOfDefinitionIn(TemplateFields):
    """Which version, by default the newest; whatever is not given is taken from the workflow."""

    number: int | None = None
    name: Name | None = None
    slug: str = Field(default="", max_length=80, pattern=SLUG)
    description: Text | None = Field(default=None, max_length=10_000)  # type: ignore[assignment]
    parameters: JsonObject | None = None


class TemplateFilter(ListFilter):
    class Meta:
        model = WorkflowTemplate
        fields = ["slug", "category", "public"]


@extend_schema_view(get=extend_schema("templates_list", responses=Page[TemplateOut]))
class TemplateList(ShapeList):
    """Built-in and public templates, and your own."""

    filterset_class = TemplateFilter
    queryset = WorkflowTemplate.objects.none()
    shown = staticmethod(template_out)

    def get_queryset(self) -> Any:
        return WorkflowTemplate.objects.visible_to(user_of(self.request)).for_list()

    @extend_schema(request=TemplateIn, responses={201: TemplateOut})
    def post(self, request: Request) -> Response:
        body = parse(TemplateIn, request)
        made = create_template(owner=user_of(request), **body.model_dump())
        return _shown(made, status.HTTP_201_CREATED)


class TemplateDetail(GenericAPIView[WorkflowTemplate]):
    @extend_schema(responses=TemplateOut)
    def get(self, request: Request, pk: str) -> Response:
        return _shown(template_for(user_of(request), pk))

    @extend_schema(request=TemplateChange, parameters=[IF_MATCH], responses=TemplateOut)
    def patch(self, request: Request, pk: str) -> Response:
        template = template_for(user_of(request), pk)
        changes = parse(TemplateChange, request).model_dump(exclude_none=True)
        changes |= if_match(request)
        return _shown(change_template(template, by=user_of(request), **changes))

    @extend_schema(parameters=[IF_MATCH], responses={204: None})
    def delete(self, request: Request, pk: str) -> Response:
        template = template_for(user_of(request), pk)
        delete_template(template, by=user_of(request), **if_match(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class TemplateDefinition(GenericAPIView[WorkflowTemplate]):
    """A workflow of your own that starts as a copy of this template."""

    @extend_schema(request=DefinitionOfTemplateIn, responses={201: DefinitionWhole})
    def post(self, request: Request, pk: str) -> Response:
        user = user_of(request)
        template = template_for(user, pk)
        body = parse(DefinitionOfTemplateIn, request)
        made = definition_from_template(template, by=user, **body.model_dump())
        return definition_response(made, status.HTTP_201_CREATED)


class DefinitionTemplate(GenericAPIView[WorkflowDefinition]):
    """A template of your own that starts as a copy of a version of this workflow."""

    @extend_schema(request=TemplateOfDefinitionIn, responses={201: TemplateOut})
    def post(self, request: Request, pk: str) -> Response:
        user = user_of(request)
        definition = definition_for(user, pk)
        fields = parse(TemplateOfDefinitionIn, request).model_dump()
        entry = entry_of(definition, fields.pop("number"))
        made = template_from_definition(entry, by=user, **fields)
        return _shown(made, status.HTTP_201_CREATED)


def _shown(template: WorkflowTemplate, code: int = status.HTTP_200_OK) -> Response:
    """The template, with its revision as the ETag."""
    return Response(template_out(template).to_json(), status=code, headers=etag(template))
