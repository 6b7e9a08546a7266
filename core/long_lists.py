"""Lists in the back office of what grows with use: nothing in them walks through all rows."""

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import or_
from typing import Any, ClassVar
from uuid import UUID

from django.contrib.admin import DateFieldListFilter, ShowFacets, SimpleListFilter
from django.contrib.admin.utils import get_fields_from_path
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import CharField, Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from core.back_office import ReadOnlyAdmin
from core.models import made_since, made_until

_COUNTED = 5_000
_FEW = 100


class _FirstPages(Paginator):  # type: ignore[type-arg]
    """Those of the first rows: to count the others would walk through them."""

    @cached_property
    def count(self) -> int:
        return min(self._found, _COUNTED)

    @property
    def more(self) -> bool:
        """Whether there are others behind."""
        return self._found > _COUNTED

    @cached_property
    def only(self) -> list[Any]:
        """The keys of all there are, or of one more than a page holds."""
        return [*self._keys[: self.per_page + 1]]

    @cached_property
    def _found(self) -> int:
        if len(self.only) <= self.per_page:
            return len(self.only)
        return int(self._keys[: _COUNTED + 1].count())

    @property
    def _keys(self) -> Any:
        rows: Any = self.object_list
        return rows.order_by().values_list("pk", flat=True)


class _LongChangeList(ChangeList):
    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if not self.multi_page:  # they need not be looked for once more
            self.result_list = self.queryset.filter(pk__in=self.paginator.only)
        if self.paginator.more or not self.query:
            self.full_result_count = self.result_count  # no number stands beside the search
        if self.paginator.more:
            self._lead_on(request)

    def _lead_on(self, request: HttpRequest) -> None:
        """From the last page that has a number."""
        newest_first = self.get_ordering(request, self.queryset)[0] == "-id"
        if newest_first and self.page_num == self.paginator.num_pages:
            last = [*self.result_list][-1]
            self.older = self.get_query_string({"id__lt": str(last.pk)})


class LongList(ReadOnlyAdmin):
    """Goes before ModelAdmin. One page after the other reaches all rows, though pages are numbered
    only as far as is counted.

    The search is for whole values, in `search_fields` one after the other. If none has it, and it
    is no id, it is looked for as a part of `search_texts`. That alone, and to sort by a column that
    no index has in order, walks through all rows.
    """

    paginator: ClassVar[Any] = _FirstPages
    search_fields: ClassVar[Any] = ()
    search_texts: ClassVar[Sequence[str]] = ()
    show_facets = ShowFacets.NEVER
    model: Any

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return _LongChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By the first field that has it; all at once, a database would leave their indexes."""
        if not search_term:
            return queryset, False
        for condition in filter(None, (self._is(one, search_term) for one in self.search_fields)):
            every = self.model._base_manager.filter(condition)
            found = [*every.values_list("pk", flat=True)[: _FEW + 1]]
            if found:
                few = Q(pk__in=found) if len(found) <= _FEW else condition
                return queryset.filter(few), False
        if not self.search_texts or _is_id(search_term):
            return queryset.none(), False
        parts = (Q(**{f"{one}__icontains": search_term}) for one in self.search_texts)
        return queryset.filter(reduce(or_, parts)), False

    def _is(self, name: str, text: str) -> Q | None:
        """None for a text that this field, or what it refers to, cannot be or is not."""
        field: Any = get_fields_from_path(self.model, name)[-1]
        try:
            value = field.to_python(text)
        except ValidationError:
            return None
        relation, _, rest = name.partition("__")
        if rest:
            related: Any = self.model._meta.get_field(relation).related_model
            called = related._base_manager.filter(**{rest: value})
            keys = [*called.values_list("pk", flat=True)]
            return Q(**{f"{relation}__in": keys}) if keys else None
        # SQLite takes an index that leaves out empty texts only if that is said.
        said = ~Q(**{name: ""}) if isinstance(field, CharField) else Q()
        return Q(**{name: value}) & said


def _is_id(text: str) -> bool:
    """Also behind what says of which kind: `conversation:<id>`."""
    try:
        UUID(text.rpartition(":")[2])
    except ValueError:
        return False
    return True


class KnownValues(SimpleListFilter):
    """By a column of text, one of the values that a small table knows: to ask for those that there
    are would walk through all rows. Any other may stand in the address, and is shown with them.
    """

    parameter_name: Any  # the column

    def known(self) -> Iterable[str]:
        raise NotImplementedError

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        asked = self.value()
        return [(one, one) for one in sorted({*self.known(), *([asked] if asked else ())})]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        asked = self.value()
        return queryset.filter(**{self.parameter_name: asked}) if asked else queryset


class Made(DateFieldListFilter):
    """By the instant that a row was made: its id is of that, too, and has an index."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        found: Any = super().queryset(request, queryset)
        bounds = {self.lookup_kwarg_since: made_since, self.lookup_kwarg_until: made_until}
        for name, bound in bounds.items():
            texts: Any = self.used_parameters.get(name, ())
            for text in texts:
                found = found.filter(bound(self.field.get_prep_value(text)))
        return found  # type: ignore[no-any-return]
