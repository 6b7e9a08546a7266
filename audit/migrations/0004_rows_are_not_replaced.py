"""SQLite refuses a row that would take the place of another, too."""

from typing import Any

from django.db import migrations

from audit.guards import install_guards


def install(apps: Any, schema_editor: Any) -> None:
    install_guards(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_seals_of_their_own")]

    operations = [migrations.RunPython(install, migrations.RunPython.noop)]
