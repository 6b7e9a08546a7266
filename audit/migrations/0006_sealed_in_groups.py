"""Entries that are written at once have one seal; those that are there become groups of one.

Every process has to be stopped: the one before seals each entry by itself.
"""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models

from audit.guards import install_guards, lift_guards


def lift(apps: Any, schema_editor: Any) -> None:
    lift_guards(schema_editor.connection)


def install(apps: Any, schema_editor: Any) -> None:
    install_guards(schema_editor.connection)


BY_GROUP = "ALTER TABLE audit_auditseal RENAME COLUMN entry_id TO group_id"
ALONE = "UPDATE audit_auditentry SET group_id = id"
LET_WAIT = """
    INSERT INTO audit_unsealedgroup (group_id, hashes)
    SELECT entry_id, hash FROM audit_unsealedentry
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0005_json_is_not_checked")]

    operations = [
        migrations.RunPython(lift),
        migrations.RunSQL(
            BY_GROUP,
            state_operations=[
                migrations.RemoveField("AuditSeal", "entry"),
                migrations.AddField("AuditSeal", "group_id", models.UUIDField(unique=True)),
            ],
        ),
        migrations.AddField(
            "AuditSeal", "hashes", models.TextField(blank=True, default="", db_default="")
        ),
        migrations.AddField(
            "AuditEntry", "position", models.PositiveIntegerField(default=0, db_default=0)
        ),
        migrations.AddField(
            "AuditEntry",
            "group",
            models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="entries",
                to="audit.auditseal",
                to_field="group_id",
            ),
        ),
        migrations.RunSQL(ALONE),
        migrations.AddIndex(
            "AuditEntry", models.Index(fields=["group", "position"], name="audit_group")
        ),
        migrations.CreateModel(
            name="UnsealedGroup",
            fields=[
                ("group_id", models.UUIDField(primary_key=True, serialize=False)),
                ("hashes", models.TextField()),
            ],
            options={"default_permissions": ()},
        ),
        migrations.RunSQL(LET_WAIT),
        migrations.DeleteModel("UnsealedEntry"),
        migrations.RunPython(install),
    ]
