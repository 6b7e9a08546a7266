"""Which models answer."""

from django.apps import AppConfig


class LlmsConfig(AppConfig):
    name = "llms"
    verbose_name = "Language models"
