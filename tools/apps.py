"""What workflows may do."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from tools.receivers import on_post_migrate


class ToolsConfig(AppConfig):
    name = "tools"

    def ready(self) -> None:
        post_migrate.connect(on_post_migrate, sender=self, dispatch_uid="tool settings")
