"""Entries are numbered and sealed after their act, signed checkpoints.

Every process has to be stopped: the one before numbers entries as it writes them.
"""

from typing import Any

from django.db import migrations, models
from django.db.models import Q

import core.clock
import core.models
from audit.chain import GENESIS, hash_of, seal_of
from audit.keys import sealing_keys

_CHUNK = 1_000
_KEPT = ("at", "action", "outcome", "actor_id", "target", "detail", "personal", "personal_hash")


def free_the_name_of_the_key(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            "ALTER INDEX audit_auditentry_pkey RENAME TO audit_auditentrybefore_pkey"
        )


def seal_anew(apps: Any, schema_editor: Any) -> None:
    """Carry every entry over, in its order, under its number."""
    before, after = (
        apps.get_model("audit", "AuditEntryBefore"),
        apps.get_model("audit", "AuditEntry"),
    )
    key, seq, seal = sealing_keys()[0], 0, GENESIS
    rows = []
    for old in before.objects.order_by("seq").values(*_KEPT, "request_id").iterator(_CHUNK):
        row = {**old, "id": core.models.new_id()}
        seq, entry_hash = seq + 1, hash_of(row, key)
        seal = seal_of(seal, seq, entry_hash, key)
        rows.append(after(**row, hash=entry_hash, seq=seq, seal=seal))
        if len(rows) == _CHUNK:
            after.objects.bulk_create(rows)
            rows = []
    after.objects.bulk_create(rows)
    apps.get_model("audit", "AuditHead").objects.update(seq=seq, seal=seal)


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [
        *(
            migrations.RemoveIndex("AuditEntry", f"audit_{name}")
            for name in ("action", "actor", "target", "request")
        ),
        migrations.AlterModelTable("AuditEntry", "audit_auditentrybefore"),
        # A content type goes with a model's name, and permissions with the content type.
        migrations.SeparateDatabaseAndState(
            state_operations=[migrations.RenameModel("AuditEntry", "AuditEntryBefore")]
        ),
        migrations.RunPython(free_the_name_of_the_key),
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.models.new_id,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("action", models.CharField(max_length=100)),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("success", "Success"),
                            ("failure", "Failure"),
                            ("denied", "Denied"),
                        ],
                        default="success",
                        max_length=10,
                    ),
                ),
                ("actor_id", models.UUIDField(null=True)),
                ("target", models.CharField(blank=True, default="", max_length=200)),
                ("detail", models.JSONField(default=dict)),
                ("personal", models.JSONField(null=True)),
                ("personal_hash", models.CharField(blank=True, default="", max_length=64)),
                ("request_id", models.CharField(blank=True, default="", max_length=64)),
                ("hash", models.CharField(max_length=64)),
                ("seq", models.BigIntegerField(null=True, unique=True)),
                ("seal", models.CharField(blank=True, default="", max_length=64)),
            ],
            options={
                "verbose_name_plural": "audit entries",
                "ordering": ["-id"],
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(fields=["action", "id"], name="audit_action"),
                    models.Index(fields=["actor_id", "id"], name="audit_actor"),
                    models.Index(fields=["target", "id"], name="audit_target"),
                    models.Index(fields=["request_id", "id"], name="audit_request"),
                    models.Index(
                        condition=Q(("seq__isnull", True)), fields=["id"], name="audit_unsealed"
                    ),
                ],
            },
        ),
        migrations.RenameField("AuditHead", "hash", "seal"),
        migrations.AlterField(
            "AuditHead", "seal", models.CharField(default=GENESIS, max_length=64)
        ),
        migrations.RunPython(seal_anew),
        migrations.DeleteModel("AuditEntryBefore"),
        migrations.CreateModel(
            name="AuditCheckpoint",
            fields=[
                ("seq", models.BigIntegerField(primary_key=True, serialize=False)),
                ("seal", models.CharField(max_length=64)),
                ("at", models.DateTimeField(default=core.clock.now)),
                ("public_key", models.CharField(max_length=64)),
                ("signature", models.CharField(max_length=128)),
            ],
            options={"ordering": ["-seq"], "default_permissions": ("view",)},
        ),
    ]
