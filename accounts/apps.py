"""Who is asking: users, their tokens, and how they are recognised."""

from django.apps import AppConfig

from accounts import receivers


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        receivers.connect()
