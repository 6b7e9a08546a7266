"""What goes on inside: metrics, traces, slow queries, and what is wrong with an installation."""

from django.apps import AppConfig


class TelemetryConfig(AppConfig):
    name = "telemetry"

    def ready(self) -> None:
        from telemetry import receivers  # noqa: PLC0415 - models exist only now

        receivers.connect()
