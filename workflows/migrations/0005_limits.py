from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("workflows", "0004_approval")]

    operations = [
        migrations.AddField(
            model_name="workflowdefinition",
            name="limits",
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AddField(
            model_name="workflowexecution",
            name="limits",
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AddIndex(
            model_name="workflowexecution",
            index=models.Index(
                fields=["user"],
                condition=models.Q(status__in=["pending", "running", "waiting"]),
                name="under_way_of_a_user",
            ),
        ),
    ]
