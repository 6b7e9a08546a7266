from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("workflows", "0011_address_of_the_start")]

    operations = [
        migrations.AddField(
            model_name="workflowexecution",
            name="used",
            field=models.JSONField(db_default={}, default=dict),
        ),
    ]
