"""Lists of the API: a filtered queryset, a cursor page, a shape for each row."""

from typing import Any, ClassVar, Generic, TypeVar

from django import forms
from django.db.models import BooleanField, ForeignKey
from django_filters import UUIDFilter
from django_filters.filters import BaseInFilter, BooleanFilter, ChoiceFilter
from django_filters.rest_framework import FilterSet
from drf_spectacular.openapi import AutoSchema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from core.shapes import Shape

S = TypeVar("S", bound=Shape)


class Page(Shape, Generic[S]):
    """A cursor page: follow `next` until it is null."""

    next: str | None
    previous: str | None
    results: list[S]

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        """Its name in the schema."""
        return f"{params[0].__name__}Page"


class SomeOf(BaseInFilter, ChoiceFilter):
    """One of these values, or several with commas between them."""


class _YesOrNo(forms.NullBooleanField):
    widget = forms.TextInput

    def to_python(self, value: Any) -> Any:
        found = super().to_python(value.lower() if isinstance(value, str) else value)
        if found is None and value:
            raise forms.ValidationError("This is true or false.", code="invalid")
        return found


class YesOrNo(BooleanFilter):
    """Refuses what is neither true nor false: ignored, it would show everything."""

    field_class = _YesOrNo


class ListFilter(FilterSet):
    """A thing is named by its id, and nothing is asked of what has it: a foreign id and one that
    nobody made find the same.
    """

    FILTER_DEFAULTS: ClassVar[dict[Any, Any]] = {
        **FilterSet.FILTER_DEFAULTS,
        ForeignKey: {"filter_class": UUIDFilter},
        BooleanField: {"filter_class": YesOrNo},
    }


class ListSchema(AutoSchema):
    """Documents what a list may be asked, though what it answers is a shape."""

    def get_filter_backends(self) -> list[Any]:
        view: Any = self.view
        return list(view.filter_backends) if self.method == "GET" else []

    def _get_pagination_parameters(self) -> list[Any]:
        view: Any = self.view
        if self.method != "GET":
            return []
        return list(view.pagination_class().get_schema_operation_parameters(view))


class ShapeList(GenericAPIView[Any]):
    """Subclasses give `get_queryset` and how a row is shown."""

    schema = ListSchema()
    shown: Any  # staticmethod: a row as a Shape

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        return self.get_paginated_response([self.shown(row).to_json() for row in page])
