"""What is kept of a person: given to them whole, and taken away when they ask for it."""

from django.apps import AppConfig


class PrivacyConfig(AppConfig):
    name = "privacy"
