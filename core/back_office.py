"""Admin pages of rows that only the product itself writes."""

from typing import Any

from django.http import HttpRequest


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
