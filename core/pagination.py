"""Cursor pages: stable while rows are added."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import ProhibitNullCharactersValidator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from rest_framework import exceptions
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request

from core.errors import Invalid, NotFound
from core.queries import filters_of, refuse_unknown

_writable = ProhibitNullCharactersValidator()


class PageNotFound(NotFound):
    code = "page_not_found"
    message = "There is no such page: take its address from 'next' or 'previous'."


class BadPageSize(Invalid):
    code = "bad_page_size"
    message = "'page_size' is a whole number from 1; more than {most} is {most}."


class NewestFirst(CursorPagination):
    """Ids are ordered by time, so they are cursor and order in one.

    Raises PageNotFound, and of a view of the API UnknownFilter and BadPageSize.
    """

    ordering: Any = "-id"
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200

    def paginate_queryset(self, queryset: Any, request: Any, view: Any = None) -> Any:
        if view is not None:
            own = {self.cursor_query_param, self.page_size_query_param}
            refuse_unknown(request, own | filters_of(view))
            self._refuse_no_size(request.query_params.get(self.page_size_query_param, "1"))
        first = self.get_ordering(request, queryset, view)[0].lstrip("-")
        reckoned = queryset.query.annotations.get(first)
        self._first = reckoned.output_field if reckoned else queryset.model._meta.get_field(first)
        return super().paginate_queryset(queryset, request, view)

    def get_paginated_response_schema(self, schema: Any) -> Any:
        """As `core.listing.Page`: DRF says null as an older OpenAPI than our document's does."""
        page = super().get_paginated_response_schema(schema)
        page["properties"] |= dict.fromkeys(("next", "previous"), {"type": ["string", "null"]})
        return {**page, "required": list(page["properties"])}

    def _refuse_no_size(self, text: str) -> None:
        if not (text.isascii() and text.isdecimal() and text.strip("0")):
            raise BadPageSize(most=self.max_page_size)

    def decode_cursor(self, request: Any) -> Cursor | None:
        """Of a place that a page can begin at: people may write anything there."""
        try:
            cursor = super().decode_cursor(request)
            position = cursor.position if cursor else None
            if position is not None:
                _writable(position)
                self._first.to_python(position)
        except (exceptions.NotFound, ValidationError) as error:
            raise PageNotFound from error
        return cursor


def shown_page(rows: QuerySet[Any], request: HttpRequest) -> tuple[list[Any], dict[str, Any]]:
    """Rows of an HTML page, newest first, and where `_pager.html` leads from it. Raises Http404."""
    pages = NewestFirst()
    try:
        page = pages.paginate_queryset(rows, Request(request)) or []
    except NotFound as error:
        raise Http404 from error
    return page, {"next": pages.get_next_link(), "previous": pages.get_previous_link()}


class OldestFirst(NewestFirst):
    """What waits its turn."""

    ordering = "id"


class InTurn(NewestFirst):
    """Messages: by turn, then by time."""

    ordering = ("turn", "id")
