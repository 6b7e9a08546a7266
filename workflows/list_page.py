"""The rows a page lists: filtered and paged by its address, as the API's lists are."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django_filters.rest_framework import FilterSet
from rest_framework.request import Request

from accounts.authentication import user_of
from core.errors import NotFound
from core.pagination import NewestFirst
from workflows.chips import chips_of, without


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of rows, the rest of its template's context, and the response status."""

    rows: Sequence[Any]
    context: dict[str, Any]
    status: int


def list_page(
    request: HttpRequest,
    rows: QuerySet[Any],
    filters: type[FilterSet],
    *,
    own: str = "",
    statuses: Iterable[str] = (),
    names: Mapping[str, str] | None = None,
) -> ListPage:
    """One's own (by the column `own`, where there is one), newest first; staff see others' where
    the address names a user, or `of=all`. `names` are what people call values that are asked for.
    Raises Http404 for a page that is none.
    """
    paginator, user, asked = NewestFirst(), user_of(request), request.GET
    if own and not asked.get("user") and asked.get("of") != "all":
        rows = rows.filter(**{own: user})
    found = filters(asked, rows)
    good = found.is_valid()
    try:
        page = paginator.paginate_queryset(found.qs if good else rows.none(), Request(request))
    except NotFound as error:
        raise Http404 from error
    context = {
        "next": paginator.get_next_link(),
        "previous": paginator.get_previous_link(),
        "statuses": [(one, without(asked, "status", status=one)) for one in statuses],
        "status": asked.get("status", ""),
        "any_status": without(asked, "status"),
        "chips": chips_of(asked, user, names or {}),
        "problem": not good,
    }
    return ListPage(page or [], context, 200 if good else 400)
