"""Users, groups and tokens in the back office."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.module_loading import import_string

from accounts.forms import OneUserForm, PasswordForm, SecretForm
from accounts.models import ApiToken, Lockout, LockoutScope, Secret, User
from accounts.services.administrators import LastAdministrator, refuse_last_administrators
from accounts.services.lockouts import lift_lockout
from accounts.services.tokens import revoke_token
from audit.admin_mixin import AuditedAdmin
from audit.record import record
from core import clock
from core.back_office import DeletedWhole, ReadOnlyAdmin, ToldToChangers

_MORE_TRIES = 4
admin.site.unregister(Group)


def _tried(request: HttpRequest, delete: Callable[[], Any]) -> Any:
    """Again where a run of a user wrote something meanwhile, which was not among what goes."""
    for _ in range(_MORE_TRIES):
        with suppress(IntegrityError):
            return delete()
        list(messages.get_messages(request))  # that it is done
    return delete()


class _Missed:
    """Goes before ModelAdmin: whom or what others would miss is kept, and it is said why."""

    opts: Any

    def objections(self, objs: Any) -> list[str]:
        asked = map(import_string, settings.CHATTER_DELETION_OBJECTIONS[self.opts.label])
        return [told for objections_to in asked for told in objections_to(objs)]

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        if protected := self.objections(objs):  # what goes along may be too much to be looked for
            return [], {}, set(), protected
        return super().get_deleted_objects(objs, request)  # type: ignore[misc]


@admin.register(Group)
class AuditedGroupAdmin(AuditedAdmin, _Missed, GroupAdmin):
    """What its users may do, only administrators say: somebody else may be one of them."""

    last_fields = ("name",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if _is_administrator(request) else ("permissions",)


def _is_administrator(request: HttpRequest) -> bool:
    user: Any = request.user
    return bool(user.is_superuser)


@admin.register(User)
class AuditedUserAdmin(AuditedAdmin, _Missed, DeletedWhole, UserAdmin):
    """Only administrators change staff, or who is staff: others would get further than they may."""

    form = OneUserForm
    change_password_form = PasswordForm
    list_display = ("username", "email", "is_active", "is_staff", "last_login", "date_joined")
    list_filter = ("is_active", "is_staff", "is_superuser", "groups", "last_login")
    search_fields = ("username", "email", "first_name", "last_name", "=id")
    readonly_fields = ("last_login", "date_joined")
    date_hierarchy = "date_joined"
    secret_fields = ("password", "password1", "password2")
    personal_fields = ("username", "first_name", "last_name", "email")
    fieldsets = (*(UserAdmin.fieldsets or ()), ("Limits", {"fields": ("limits",)}))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        kept = tuple(super().get_readonly_fields(request, obj))
        return kept if _is_administrator(request) else (*kept, "is_staff", "is_superuser")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Django's page asks for both, as whoever is new is changed next; so do the ways to it."""
        return super().has_add_permission(request) and self.has_change_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and _may_have(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_have(request, obj)

    def objections(self, objs: Any) -> list[str]:
        """The last administrator is protected, too."""
        found = super().objections(objs)
        try:
            refuse_last_administrators(objs)
        except LastAdministrator as error:
            found.append(str(error))
        return found

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        return _tried(request, partial(super().delete_view, request, object_id, extra_context))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        _tried(request, partial(super().delete_queryset, request, queryset))

    @transaction.atomic
    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> Any:
        """It saves before it comes to `log_change`: nothing is changed that is not recorded."""
        return super().user_change_password(request, id, form_url)

    def log_change(self, request: HttpRequest, obj: User, message: Any) -> Any:
        """The password page of a user saves by itself and passes here only."""
        match = request.resolver_match
        if match and match.url_name == "auth_user_password_change":
            detail = {"via": "admin", "fields": ["password"]}
            record("accounts.user.changed", actor=request.user, target=obj, detail=detail)
        return super().log_change(request, obj, message)


def _may_have(request: HttpRequest, user: User | None) -> bool:
    return user is None or not user.is_staff or _is_administrator(request)


@admin.register(ApiToken)
class ApiTokenAdmin(AuditedAdmin, admin.ModelAdmin):
    """Tokens are made by their users; here they are seen, revoked and deleted."""

    list_display = ("name", "user", "prefix", "state", "created_at", "last_used_at", "expires_at")
    list_filter = ("revoked_at", "last_used_at", "created_at")
    list_select_related = ("user",)
    search_fields = ("name", "prefix", "user__username")
    actions = ("revoke",)
    fields = (
        *("name", "user", "prefix", "state"),
        *("created_at", "last_used_at", "expires_at", "revoked_at"),
    )
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_apitoken")

    @admin.action(description="Revoke the selected tokens", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        with transaction.atomic():
            tokens = [revoke_token(token=token, by=request.user) for token in queryset]
        self.message_user(request, f"{len(tokens)} tokens are revoked.", messages.SUCCESS)


@admin.register(Lockout)
class LockoutAdmin(ReadOnlyAdmin, admin.ModelAdmin):
    """Who may not try to log in, seen and lifted."""

    list_display = ("scope", "whom", "address", "created_at", "until", "lasts")
    list_filter = ("scope", "until", "lifted_at")
    list_select_related = ("user",)
    search_fields = ("user__username", "address")
    actions = ("lift",)
    fields = ("scope", "whom", "address", "created_at", "until", "lasts", "lifted_at", "lifted_by")
    readonly_fields = fields

    def has_lift_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_lockout")

    @admin.display(description="user", ordering="user")
    def whom(self, lockout: Lockout) -> str:
        if lockout.user:
            return lockout.user.get_username()
        return "-" if lockout.scope == LockoutScope.ADDRESS else "a name that nobody has"

    @admin.display(description="lasts", boolean=True)
    def lasts(self, lockout: Lockout) -> bool:
        return lockout.lifted_at is None and lockout.until > clock.now()

    @admin.action(description="Lift the selected lockouts", permissions=["lift"])
    def lift(self, request: HttpRequest, queryset: QuerySet[Lockout]) -> None:
        user: Any = request.user
        number = sum(lift_lockout(one, by=user) for one in queryset.select_related("user"))
        self.message_user(request, f"{number} lockouts are lifted.", messages.SUCCESS)


@admin.register(Secret)
class SecretAdmin(AuditedAdmin, ToldToChangers, admin.ModelAdmin):
    """A value goes in and never comes out, here as elsewhere."""

    form = SecretForm
    list_display = ("name", "owner", "where", "created_at", "updated_at", "last_used_at")
    list_filter = ("last_used_at", "created_at")
    list_select_related = ("owner",)
    search_fields = ("name", "owner__username", "=id")
    autocomplete_fields = ("owner",)
    secret_fields = told_to_changers = ("value",)
    personal_fields = ("name", "hosts")
    readonly_fields = ("last_used_at",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Whose it is and how it is called stays: workflows name it."""
        return (*self.readonly_fields, "owner", "name") if obj else self.readonly_fields

    @admin.display(description="hosts")
    def where(self, secret: Secret) -> str:
        return ", ".join(secret.hosts)
