from django.db import migrations, models

import accounts.limits


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="limits",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text="What this user's runs may use at most, where that is less than the server "
                'allows, such as {"cost": "0.50", "steps": 100, "concurrent": 2}.',
                validators=[accounts.limits.validate_limits],
            ),
        ),
    ]
