"""Django's own, which the audit trail hears of."""

from typing import Any

from django.contrib.auth.management.commands import createsuperuser
from django.db import transaction

from accounts.models import User
from audit.record import record


class Command(createsuperuser.Command):
    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        before = set(User.objects.values_list("pk", flat=True))
        super().handle(*args, **options)
        for user in User.objects.exclude(pk__in=before):
            record(
                "accounts.user.created",
                target=user,
                detail={"via": "command", "is_superuser": user.is_superuser},
                personal={"username": user.get_username()},
            )
