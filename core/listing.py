"""Lists of the API: a filtered queryset, a cursor page, a shape for each row."""

from typing import Any, Generic, TypeVar

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


class ShapeList(GenericAPIView[Any]):
    """Subclasses give `get_queryset` and how a row is shown."""

    shown: Any  # staticmethod: a row as a Shape

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        return self.get_paginated_response([self.shown(row).to_json() for row in page])
