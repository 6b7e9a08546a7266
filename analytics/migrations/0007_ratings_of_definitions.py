"""A rating is of the definition and the version that gave the reply, too."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("analytics", "0006_users_in_rollups_alone"),
        ("conversations", "0001_initial"),
        ("workflows", "0010_idempotency"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="replyrating",
            name="definition",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="workflows.workflowdefinition",
            ),
        ),
        migrations.AddField(
            model_name="replyrating",
            name="version",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="workflows.workflowversion",
            ),
        ),
        migrations.AddIndex(
            model_name="replyrating",
            index=models.Index(fields=["created_at"], name="reply_ratings_by_time"),
        ),
    ]
