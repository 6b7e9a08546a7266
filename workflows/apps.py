"""What should happen, and what did happen."""

from django.apps import AppConfig


class WorkflowsConfig(AppConfig):
    name = "workflows"

    def ready(self) -> None:
        from workflows import aggregates, receivers  # noqa: PLC0415 - models exist only now

        aggregates.connect()
        receivers.connect()
