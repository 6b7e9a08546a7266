"""Django's own, which the audit trail hears of."""

from typing import Any

from django.contrib.auth.management.commands import changepassword

from accounts.models import User
from audit.record import record
from chatter_project.management.saving import each_user_saved_with


class Command(changepassword.Command):
    def handle(self, *args: Any, **options: Any) -> Any:
        with each_user_saved_with(_tell):
            return super().handle(*args, **options)


def _tell(user: User) -> None:
    detail = {"via": "command", "fields": ["password"]}
    record("accounts.user.changed", target=user, detail=detail)
