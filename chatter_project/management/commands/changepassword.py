"""Django's own, which the audit trail hears of."""

import getpass
from typing import Any

from django.contrib.auth.management.commands import changepassword
from django.db import transaction

from accounts.models import User
from audit.record import record


class Command(changepassword.Command):
    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> Any:
        told = super().handle(*args, **options)
        user = User.objects.get_by_natural_key(options["username"] or getpass.getuser())
        detail = {"via": "command", "fields": ["password"]}
        record("accounts.user.changed", target=user, detail=detail)
        return told
