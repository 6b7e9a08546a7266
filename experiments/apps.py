"""What answers better: turns of conversations that are answered in several ways, and compared."""

from django.apps import AppConfig


class ExperimentsConfig(AppConfig):
    name = "experiments"
