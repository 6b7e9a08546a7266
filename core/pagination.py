"""Cursor pages: stable while rows are added."""

from typing import Any

from rest_framework.pagination import CursorPagination


class NewestFirst(CursorPagination):
    """Ids are ordered by time, so they are cursor and order in one."""

    ordering: Any = "-id"
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200


class OldestFirst(NewestFirst):
    ordering = "id"


class InTurn(NewestFirst):
    """Messages: by turn, then by time."""

    ordering = ("turn", "id")
