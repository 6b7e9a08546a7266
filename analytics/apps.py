"""How templates and users are doing; it only listens."""

from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    name = "analytics"

    def ready(self) -> None:
        from analytics import rated, receivers  # noqa: F401, PLC0415 - models exist only now
        from analytics.rollups import recount  # noqa: F401, PLC0415 - what `reconcile` proves

        receivers.connect()
