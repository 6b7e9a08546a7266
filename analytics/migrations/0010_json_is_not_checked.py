"""SQLite no longer reads the JSON of parts to check it."""

from django.db import migrations

from core.whole_json import WholeJSONField


class Migration(migrations.Migration):
    dependencies = [("analytics", "0009_replays_counted_no_more")]

    operations = [migrations.AlterField("RollupPart", "facts", WholeJSONField())]
