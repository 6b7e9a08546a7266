"""Put guards in place that 0006 does now: they name columns that it adds."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_seals_of_their_own")]

    operations = []  # noqa: RUF012 - as Django has it
