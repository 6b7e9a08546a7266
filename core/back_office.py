"""What admin pages share: those of rows that only the product itself writes, and all of them."""

from collections.abc import Iterable
from typing import Any

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import BadRequest, ValidationError
from django.db import DataError, NotSupportedError, OperationalError, ProgrammingError
from django.db.models import JSONField, Model
from django.http import HttpRequest
from django.utils.html import format_html

from core.form_fields import ValueField
from core.guarded_form import GuardedRow
from core.origins import execution_of

# What comes of a filter only when the database is asked: a year or a number out of range, half a
# range, a lookup that this database does not have, an expression that is none.
_NO_LOOKUP = (
    *(ValueError, OverflowError, IndexError),
    *(DataError, NotSupportedError, ProgrammingError, OperationalError),
)
_SQLITE_REFUSES = "SQLITE_ERROR"  # what it was asked; of a database that is away it says otherwise


class AskedSensibly:
    """Goes before ModelAdmin: a filter, a selection or a form that no row can meet is refused, and
    so is a form that would undo what has changed since its page was opened (`GuardedRow`).
    """

    opts: Any
    save_as: bool

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        try:
            return super().get_changelist_instance(request)  # type: ignore[misc]
        except _NO_LOOKUP as error:
            if not request.GET or _is_away(error):
                raise
            raise IncorrectLookupParameters from error

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """What has changed is told from the row: Django would believe a second, hidden box."""
        kwargs.setdefault("show_hidden_initial", False)
        if isinstance(db_field, JSONField):
            kwargs.setdefault("form_class", ValueField)
        return super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """A form that has a field `seen` of its own goes by the row's revision."""
        form = super().get_form(request, obj, change=change, **kwargs)  # type: ignore[misc]
        guarded = not change or "seen" in form.base_fields
        return form if guarded else type(form.__name__, (GuardedRow, form), {})

    def response_action(self, request: HttpRequest, queryset: Any) -> Any:
        _refuse_no_ids(self.opts.model, request.POST.getlist(ACTION_CHECKBOX_NAME))
        return super().response_action(request, queryset)  # type: ignore[misc]

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if "_saveasnew" in request.POST and not self.save_as:
            raise BadRequest  # no page has a button for it
        for field in (*self.opts.fields, *self.opts.many_to_many):
            if field.is_relation:
                asked = request.GET.get(field.name, "").split(",")
                given = filter(None, [*asked, *request.POST.getlist(field.name)])
                _refuse_no_ids(field.related_model, given)
        return super().changeform_view(request, *args, **kwargs)  # type: ignore[misc]


def _is_away(error: Exception) -> bool:
    """Whether the database did not so much as look at what it was asked."""
    refused = getattr(error.__cause__, "sqlite_errorname", "") == _SQLITE_REFUSES
    return isinstance(error, OperationalError) and not refused


def _refuse_no_ids(model: type[Model], given: Iterable[str]) -> None:
    """Raises BadRequest where one is none that a row of the model can have."""
    try:
        for one in given:
            model._meta.pk.clean(one, None)
    except ValidationError as error:
        raise BadRequest from error


class ReadOnlyAdmin:
    """Goes before ModelAdmin: rows can be looked at, and acted on by actions, but not edited.

    An action with `permissions=["act"]` is for those who have Django's permission to change them.
    """

    show_full_result_count = False
    list_per_page = 50
    opts: Any

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_act_permission(self, request: HttpRequest) -> bool:
        user: Any = request.user
        return bool(user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}"))


class DeletedWhole:
    """Goes before ModelAdmin: with a row goes what hangs on it, though that is read-only here."""

    opts: Any

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        shown, counts, needed, protected = super().get_deleted_objects(objs, request)  # type: ignore[misc]
        return shown, counts, needed & {self.opts.verbose_name}, protected


class ToldToChangers:
    """Goes before ModelAdmin: fields that may hold a key are told to those alone who may change it.

    Nobody finds a row by them either, letter by letter.
    """

    told_to_changers: tuple[str, ...] = ()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Who may only look would be shown the value itself in place of its box."""
        fields = super().get_fields(request, obj)  # type: ignore[misc]
        if obj is None or self.has_change_permission(request, obj):  # type: ignore[attr-defined]
            return fields
        return [name for name in fields if name not in self.told_to_changers]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        allowed: bool = super().lookup_allowed(lookup, value, request)  # type: ignore[misc]
        return allowed and lookup.partition("__")[0] not in self.told_to_changers


def execution_link(origin: str) -> str:
    """A link to the page of the execution that made a call; "-" where none did."""
    pk = execution_of(origin)
    return format_html('<a href="/executions/{}/">open</a>', pk) if pk else "-"
