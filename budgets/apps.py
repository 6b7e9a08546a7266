"""Budgets that hold."""

from django.apps import AppConfig


class BudgetsConfig(AppConfig):
    name = "budgets"

    def ready(self) -> None:
        from budgets import proof  # noqa: F401, PLC0415 - models exist only now
