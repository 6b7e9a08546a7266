"""The shared kernel."""

from django.apps import AppConfig
from django.db import connection


class CoreConfig(AppConfig):
    name = "core"

    def ready(self) -> None:
        if connection.vendor == "postgresql":
            from core import jsonb  # noqa: PLC0415 - its driver is loaded only where it is used

            jsonb.connect()
