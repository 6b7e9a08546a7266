"""Django's own, which the audit trail hears of."""

from typing import Any

from django.contrib.auth.management.commands import createsuperuser

from accounts.models import User
from audit.record import record
from chatter_project.management.saving import each_user_saved_with


class Command(createsuperuser.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        with each_user_saved_with(_tell):
            super().handle(*args, **options)


def _tell(user: User) -> None:
    record(
        "accounts.user.created",
        target=user,
        detail={"via": "command", "is_superuser": user.is_superuser},
        personal={"username": user.get_username()},
    )
