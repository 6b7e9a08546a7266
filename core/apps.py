"""The shared kernel."""

from django.apps import AppConfig
from django.db import connection


class CoreConfig(AppConfig):
    name = "core"

    def ready(self) -> None:
        if connection.vendor == "postgresql":
            from core import (  # noqa: PLC0415 - their driver is loaded only where it is used
                jsonb,
                standstill,
            )

            jsonb.connect()
            standstill.connect()
