from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("workflows", "0012_used"),
    ]

    operations = [
        migrations.AddField(
            model_name="pumphost",
            name="writer_lag_s",
            field=models.FloatField(db_default=0, default=0),
        ),
    ]
