"""What starts executions by itself: the clock, and the end of others."""

from django.apps import AppConfig


class TriggersConfig(AppConfig):
    name = "triggers"
