"""Attacks: detected in the audit trail, and reported to those who can act."""

from django.apps import AppConfig


class SecurityConfig(AppConfig):
    name = "security"
