from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("budgets", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="budgetperiod",
            name="bound",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="budgetperiod",
            name="carried_bound",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
    ]
