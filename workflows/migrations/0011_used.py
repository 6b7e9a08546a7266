from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("workflows", "0010_idempotency")]

    operations = [
        migrations.AddField(
            model_name="workflowexecution",
            name="used",
            field=models.JSONField(default=dict),
        ),
    ]
