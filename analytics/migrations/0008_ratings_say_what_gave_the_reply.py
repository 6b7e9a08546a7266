"""Ratings given before: of what the executions of their replies are of."""

from typing import Any

from django.db import migrations
from django.db.models import OuterRef, Subquery


def say_what_gave_it(apps: Any, schema_editor: Any) -> None:
    ratings = apps.get_model("analytics", "ReplyRating").objects
    messages = apps.get_model("conversations", "Message").objects.filter(pk=OuterRef("message_id"))
    ratings.update(
        definition_id=Subquery(messages.values("execution__definition_id")[:1]),
        version_id=Subquery(messages.values("execution__version_id")[:1]),
    )


class Migration(migrations.Migration):
    dependencies = [
        ("analytics", "0007_ratings_of_definitions"),
    ]

    operations = [
        migrations.RunPython(say_what_gave_it, migrations.RunPython.noop),
    ]
