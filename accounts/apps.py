"""Who is asking: users, their tokens, and how they are recognised."""

from django.apps import AppConfig
from django.core import checks

from accounts import receivers


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts.rates import unknown_routes  # noqa: PLC0415 - once the models are there

        receivers.connect()
        checks.register(unknown_routes)
