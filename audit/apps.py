"""Who did what: a chain of entries that cannot be changed unseen."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "audit"

    def ready(self) -> None:
        from audit import receivers  # noqa: PLC0415 - models exist only now

        receivers.connect(self)
