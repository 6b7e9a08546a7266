"""The shared kernel."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "core"
