"""How other programs start workflows, and hear how they went."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "webhooks"
