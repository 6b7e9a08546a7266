"""Django's own, which the audit trail hears of."""

from typing import Any

from django.core.management.commands import dumpdata

from audit.commands import recorded


class Command(dumpdata.Command):
    def handle(self, *app_labels: str, **options: Any) -> None:
        with recorded("core.rows.dumped", {"of": sorted(app_labels) or ["all"]}):
            super().handle(*app_labels, **options)
