"""Numbers and seals move to rows of their own, so that an entry is written once.

Every process has to be stopped: the one before numbers entries in their own rows.
"""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models

from audit.guards import lift_guards


def lift(apps: Any, schema_editor: Any) -> None:
    lift_guards(schema_editor.connection)


MOVE_SEALS = """
    INSERT INTO audit_auditseal (seq, entry_id, seal)
    SELECT seq, id, seal FROM audit_auditentry WHERE seq IS NOT NULL ORDER BY seq
"""
LET_WAIT = """
    INSERT INTO audit_unsealedentry (entry_id, hash)
    SELECT id, hash FROM audit_auditentry WHERE seq IS NULL
"""


def link(to_the_entry: str, **options: Any) -> Any:
    return models.OneToOneField(
        db_constraint=False,
        on_delete=django.db.models.deletion.DO_NOTHING,
        related_name=to_the_entry,
        to="audit.auditentry",
        **options,
    )


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_sealed_later")]

    operations = [
        migrations.CreateModel(
            name="AuditSeal",
            fields=[
                ("seq", models.BigIntegerField(primary_key=True, serialize=False)),
                ("entry", link("sealed")),
                ("seal", models.CharField(max_length=64)),
            ],
            options={"default_permissions": ()},
        ),
        migrations.CreateModel(
            name="UnsealedEntry",
            fields=[
                ("entry", link("unsealed", primary_key=True, serialize=False)),
                ("hash", models.CharField(max_length=64)),
            ],
            options={"verbose_name_plural": "unsealed entries", "default_permissions": ()},
        ),
        migrations.RunSQL(MOVE_SEALS),
        migrations.RunSQL(LET_WAIT),
        migrations.RunPython(lift),
        migrations.RemoveIndex("AuditEntry", "audit_unsealed"),
        migrations.RemoveField("AuditEntry", "seq"),
        migrations.RemoveField("AuditEntry", "seal"),
    ]
