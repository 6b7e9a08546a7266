"""The head exists wherever the table exists."""

from typing import Any

from django.apps.registry import Apps, apps
from django.db import router


def on_post_migrate(using: str, apps: Apps = apps, **_: Any) -> None:
    """Make the head of an empty chain; after a flush of the test database too."""
    try:
        head = apps.get_model("audit", "AuditHead")
    except LookupError:  # migrated back to before there was one
        return
    if router.allow_migrate_model(using, head):
        head.objects.using(using).get_or_create(pk=1)
