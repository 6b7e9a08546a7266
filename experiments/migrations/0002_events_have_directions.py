"""Each event of an experiment says which way it is better."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("experiments", "0001_initial"),
    ]

    operations = [
        migrations.AlterField(
            model_name="unitevent",
            name="experiment",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="experiments.experiment",
            ),
        ),
        migrations.AddField(
            model_name="experiment",
            name="events",
            field=models.JSONField(db_default={}, default=dict),
        ),
    ]
