"""What looks like an attack: found in the audit trail, told to those who can do something."""

from django.apps import AppConfig


class SecurityConfig(AppConfig):
    name = "security"
