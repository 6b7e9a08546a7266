"""Every tool has its setting, and what was decided about a tool does not outlive it."""

from typing import Any

from django.apps.registry import Apps, apps
from django.db import router, transaction
from django.db.models.signals import post_delete, post_migrate, post_save

from tools.catalogue import catalogue
from tools.mcp.remote import SERVER_SCOPE
from tools.models import SCOPE, McpServer, McpTool, ToolGrant, ToolSetting
from tools.registry import tools


def connect(config: Any) -> None:
    post_migrate.connect(on_post_migrate, sender=config, dispatch_uid="tool settings")
    for sender in (McpServer, McpTool):
        post_save.connect(on_change, sender=sender, dispatch_uid="remote tools")
    post_delete.connect(on_tool_deleted, sender=McpTool, dispatch_uid="remote tools")
    post_delete.connect(on_server_deleted, sender=McpServer, dispatch_uid="remote tools")


def on_post_migrate(using: str, apps: Apps = apps, **_: Any) -> None:
    """Make the settings of tools that are new; after a flush of the test database too."""
    try:
        setting = apps.get_model("tools", "ToolSetting")
    except LookupError:  # migrated back to before there was one
        return
    if router.allow_migrate_model(using, setting):
        missing = [setting(tool=one.key, open_to_all=not one.staff_first) for one in tools.all()]
        setting.objects.using(using).bulk_create(missing, ignore_conflicts=True)


def on_change(**_: Any) -> None:
    """Now for who made the change; once it is committed, for whoever looked in between."""
    catalogue.forget()
    transaction.on_commit(catalogue.forget)


def on_tool_deleted(instance: McpTool, **_: Any) -> None:
    """Another tool that is called the same later begins with nothing."""
    ToolSetting.objects.filter(tool=instance.key).delete()
    ToolGrant.objects.filter(tool=instance.key).delete()
    on_change()


def on_server_deleted(instance: McpServer, **_: Any) -> None:
    ToolGrant.objects.filter(tool=SCOPE + SERVER_SCOPE + instance.name).delete()
    on_change()
