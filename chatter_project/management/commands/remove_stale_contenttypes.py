"""Django's own, which the audit trail hears of."""

from typing import Any

from django.contrib.contenttypes.management.commands import remove_stale_contenttypes
from django.contrib.contenttypes.models import ContentType
from django.db import transaction

from audit.record import record


class Command(remove_stale_contenttypes.Command):
    @transaction.atomic
    def handle(self, **options: Any) -> None:
        before = _names()
        super().handle(**options)
        if gone := sorted(before - _names()):
            record("core.content_types.removed", detail={"via": "command", "gone": gone})


def _names() -> set[str]:
    return {
        f"{app}.{model}" for app, model in ContentType.objects.values_list("app_label", "model")
    }
