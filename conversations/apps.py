"""Conversations and their messages."""

from django.apps import AppConfig


class ConversationsConfig(AppConfig):
    name = "conversations"

    def ready(self) -> None:
        from conversations import aggregates  # noqa: PLC0415 - models exist only now

        aggregates.connect()
