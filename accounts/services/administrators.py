"""The first administrator, and the last."""

import secrets
from collections.abc import Iterable

from django.db import connection, transaction
from django.db.models import QuerySet

from accounts.models import User
from audit.record import record
from core.errors import Conflict


class AdministratorNameTaken(Conflict):
    code = "administrator_name_taken"
    message = "'{username}' is an ordinary user; choose another CHATTER_ADMIN_USERNAME."


class LastAdministrator(Conflict):
    code = "last_administrator"
    message = "This is the only administrator; make another one first."


def administrators() -> QuerySet[User]:
    """Who may do everything in the back office."""
    return User.objects.filter(is_superuser=True, is_staff=True, is_active=True)


def refuse_last_administrators(leaving: Iterable[User]) -> None:
    """Raises LastAdministrator if there would be none without these.

    In a transaction all of them are locked, so that of two who leave at once one is refused.
    """
    gone = {user.pk for user in leaving}
    rows = administrators().order_by("pk")
    rows = rows.select_for_update(no_key=True) if connection.in_atomic_block else rows
    keys = set(rows.values_list("pk", flat=True))
    if keys and keys <= gone:
        raise LastAdministrator


@transaction.atomic
def ensure_administrator(username: str, password: str | None = None) -> str | None:
    """Make the first administrator, once; the password if one had to be made up, else None.

    Raises AdministratorNameTaken rather than raising an ordinary user to one.
    """
    if User.objects.filter(is_superuser=True).exists():
        return None
    if User.objects.filter(username=username).exists():
        raise AdministratorNameTaken(username=username)
    made_up = None if password else secrets.token_urlsafe(12)
    user = User.objects.create_superuser(username=username, password=password or made_up)
    record(
        "accounts.user.created",
        target=user,
        detail={"via": "prepare", "is_superuser": True},
        personal={"username": username},
    )
    return made_up
