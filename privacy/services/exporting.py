"""Exports a person's data: to them, or to staff acting for them."""

from collections.abc import Iterator

from django.db import transaction

from accounts.models import User
from audit.record import record
from privacy.export import exported


@transaction.atomic
def export_user(user: User, *, by: User | None, via: str) -> Iterator[bytes]:
    """The pieces of the ZIP (`privacy.export`); that it was asked for is in the audit trail."""
    record("privacy.user.exported", actor=by, target=user, detail={"via": via})
    return exported(user)
