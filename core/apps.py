"""The shared kernel."""

from django.apps import AppConfig
from django.db import connection


class CoreConfig(AppConfig):
    name = "core"

    def ready(self) -> None:
        if connection.vendor == "postgresql":
            from core import (  # noqa: PLC0415 - their driver is loaded only where it is used
                failover,
                jsonb,
                standstill,
            )

            failover.connect()
            jsonb.connect()
            standstill.connect()
