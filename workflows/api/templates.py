"""Templates one may run."""

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import user_of
from core.listing import Page, ShapeList
from core.shapes import Shape
from workflows.definition.graph import drawn
from workflows.models import WorkflowTemplate
from workflows.services.planning import TemplateNotFound


class TemplateOut(Shape):
    """A template; `parameters` maps a name to its type, default and label."""

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
    )


def template_for(user: Any, pk: str) -> WorkflowTemplate:
    """One template this user may see. Raises TemplateNotFound."""
    try:
        return WorkflowTemplate.objects.visible_to(user).for_list().get(pk=pk)
    except (WorkflowTemplate.DoesNotExist, ValidationError, ValueError) as error:
        raise TemplateNotFound(template=pk) from error


class TemplateFilter(filters.FilterSet):
    class Meta:
        model = WorkflowTemplate
        fields = ["slug", "category", "public"]


@extend_schema_view(get=extend_schema("templates_list", responses=Page[TemplateOut]))
class TemplateList(ShapeList):
    """Built-in, public and one's own templates."""

    filterset_class = TemplateFilter
    shown = staticmethod(template_out)

    def get_queryset(self) -> Any:
        return WorkflowTemplate.objects.visible_to(user_of(self.request)).for_list()


class TemplateDetail(GenericAPIView[WorkflowTemplate]):
    @extend_schema(responses=TemplateOut)
    def get(self, request: Request, pk: str) -> Response:
        return Response(template_out(template_for(user_of(request), pk)).to_json())
