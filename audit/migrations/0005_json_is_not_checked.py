"""SQLite no longer checks the JSON of entries, so their guards cost it a tenth; see the field.

The guards come back with 0006.
"""

from typing import Any

from django.db import migrations

from audit.guards import lift_guards
from core.whole_json import WholeJSONField


def lift(apps: Any, schema_editor: Any) -> None:
    lift_guards(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("audit", "0004_rows_are_not_replaced")]

    operations = [
        migrations.RunPython(lift),
        migrations.AlterField("AuditEntry", "detail", WholeJSONField(default=dict)),
        migrations.AlterField("AuditEntry", "personal", WholeJSONField(null=True)),
    ]
