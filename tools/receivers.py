"""Every tool has its setting, once the tables are there."""

from typing import Any

from django.apps.registry import Apps, apps
from django.db import router

from tools.registry import tools


def on_post_migrate(using: str, apps: Apps = apps, **_: Any) -> None:
    """Make the settings of tools that are new; after a flush of the test database too."""
    try:
        setting = apps.get_model("tools", "ToolSetting")
    except LookupError:  # migrated back to before there was one
        return
    if router.allow_migrate_model(using, setting):
        missing = [setting(tool=key) for key in tools.keys()]  # noqa: SIM118 - a method of ours
        setting.objects.using(using).bulk_create(missing, ignore_conflicts=True)
