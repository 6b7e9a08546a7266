"""What admin pages share: those of rows that only the product itself writes, and all of them."""

from typing import Any

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import BadRequest, ValidationError
from django.db import DataError, NotSupportedError, ProgrammingError
from django.http import HttpRequest

# What comes of a filter only when the database is asked: a year or a number out of range, half a
# range, a lookup that this database does not have.
_NO_LOOKUP = ValueError, OverflowError, DataError, NotSupportedError, ProgrammingError


class AskedSensibly:
    """Goes before ModelAdmin: a filter or a selection that no row can meet is refused."""

    opts: Any

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        try:
            return super().get_changelist_instance(request)  # type: ignore[misc]
        except _NO_LOOKUP as error:
            if not request.GET:
                raise
            raise IncorrectLookupParameters from error

    def response_action(self, request: HttpRequest, queryset: Any) -> Any:
        try:
            for selected in request.POST.getlist(ACTION_CHECKBOX_NAME):
                self.opts.pk.clean(selected, None)
        except ValidationError as error:
            raise BadRequest from error
        return super().response_action(request, queryset)  # type: ignore[misc]


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
