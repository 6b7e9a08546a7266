"""What workflows may do."""

from django.apps import AppConfig


class ToolsConfig(AppConfig):
    name = "tools"

    def ready(self) -> None:
        from tools import receivers  # noqa: PLC0415 - models exist only now

        receivers.connect(self)
