"""Django's own, which the audit trail hears of."""

from typing import Any

from django.core.management.commands import loaddata

from audit.record import record


class Command(loaddata.Command):
    def loaddata(self, fixture_labels: Any) -> None:
        """In the transaction of the rows; of those there are, nobody knows which were changed."""
        super().loaddata(fixture_labels)
        if self.loaded_object_count:
            tables = sorted(model._meta.label for model in self.models)
            detail = {"via": "command", "rows": self.loaded_object_count, "tables": tables}
            record("core.rows.loaded", detail=detail)
