"""Django's own, which the audit trail hears of."""

from typing import Any

from django.contrib.sessions.management.commands import clearsessions
from django.contrib.sessions.models import Session
from django.db import transaction

from audit.record import record


class Command(clearsessions.Command):
    @transaction.atomic
    def handle(self, **options: Any) -> None:
        before = Session.objects.count()
        super().handle(**options)
        detail = {"via": "command", "rows": before - Session.objects.count()}
        record("core.sessions.cleared", detail=detail)
