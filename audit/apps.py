"""Who did what: a chain of entries that cannot be changed unseen."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from audit.receivers import on_post_migrate


class AuditConfig(AppConfig):
    name = "audit"

    def ready(self) -> None:
        post_migrate.connect(on_post_migrate, sender=self, dispatch_uid="audit head")
